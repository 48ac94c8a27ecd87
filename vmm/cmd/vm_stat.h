/* SPDX-License-Identifier: MIT */
/*
 * What `stat` prints.
 */
#pragma once

struct vm;

/* One `key value` pair a line, for programs. */
void vm_print_stat(struct vm *vm);
/* Every VM in short, for the state dump. */
void vm_print_all(void);
/* The VM that runs, with its last exits, for the screen of a panic. */
void vm_print_current(void);
