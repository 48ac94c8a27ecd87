/* SPDX-License-Identifier: MIT */
/*
 * The shell's commands for VMs, and what happens when the last VM has stopped.
 */
#pragma once

#include "vmm/load/config.h"

struct vm;

void vm_commands_init(void);
/* The VM that an argument names, or the only one; reports and returns NULL if there is none such. */
struct vm *vm_arg(int argc, char **argv, int n);
/* Completion of a first argument. */
const char *vm_complete(int n, unsigned i);
/* The [ringleader] section. */
void vm_set_exit(enum config_exit how);
/* Turns the machine off (or what `exit` says) once no VM is left running or paused. */
void vm_check_finished(void);
