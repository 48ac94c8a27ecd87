/* SPDX-License-Identifier: MIT */
/*
 * The shell's commands for VMs, and what happens when the last VM has stopped.
 */
#pragma once

#include "vmm/load/config.h"

void vm_commands_init(void);
/* The [ringleader] section. */
void vm_set_exit(enum config_exit how);
/* Turns the machine off (or what `exit` says) once no VM is left running or paused. */
void vm_check_finished(void);
