/* SPDX-License-Identifier: MIT */
/*
 * The shell's commands for VMs.
 */
#pragma once

struct vm;

void vm_commands_init(void);
/* The VM that an argument names, or the only one; reports and returns NULL if there is none
 * such. */
struct vm *vm_arg(int argc, char **argv, int n);
/* Completion of a first argument. */
const char *vm_complete(int n, unsigned i);
