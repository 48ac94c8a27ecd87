/* SPDX-License-Identifier: MIT */
/*
 * What `stat` prints: one `key value` pair a line, for people and programs.
 */
#pragma once

struct vm;

void vm_print_stat(struct vm *vm);
/* Every VM in short, for the state dump. */
void vm_print_all(void);
