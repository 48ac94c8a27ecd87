/* SPDX-License-Identifier: MIT */
/*
 * What `regs` and `stat` print. stat prints one `key value` pair a line, for people and programs.
 */
#pragma once

struct vm;

void vm_print_regs(struct vm *vm);
void vm_print_stat(struct vm *vm);
/* Every VM in short, for the state dump. */
void vm_print_all(void);
