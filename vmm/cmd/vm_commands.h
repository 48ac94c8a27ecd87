/* SPDX-License-Identifier: MIT */
/*
 * The shell's commands for VMs.
 */
#pragma once

struct vm;

/* Which VM is meant where none is named, for the commands that follow; NULL: as `use` says. */
void vm_use_for(const char *name);
void vm_commands_init(void);
/* The VM that the last argument names, which is argv[n], or the default; reports and returns NULL
 * if there is none such, or if more arguments follow. */
struct vm *vm_arg(int argc, char **argv, int n);
/* The VM that the first argument names, which is then gone, or the default; reports and returns
 * NULL if there is none. */
struct vm *vm_take(int *argc, char ***argv);
/* Completion of a first argument. */
const char *vm_complete(int n, unsigned i);
/* The same, then registers and symbols, which any argument may hold. */
const char *vm_complete_names(int n, unsigned i);
/* Of a first argument, and devices, which may be first or second. */
const char *vm_complete_devices(int n, unsigned i);
