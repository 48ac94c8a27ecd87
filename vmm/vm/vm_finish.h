/* SPDX-License-Identifier: MIT */
/*
 * What happens when the last VM has stopped.
 */
#pragma once

#include "vmm/load/config.h"

/* The [ringleader] section. */
void vm_set_exit(enum config_exit how);
/* Turns the machine off (or what `exit` says) once no VM is left running or paused. */
void vm_check_finished(void);
