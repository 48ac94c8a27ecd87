/* SPDX-License-Identifier: MIT */
/*
 * Runs commands of points. A VM stops in its own turn; what is then to be done may end that VM, and
 * so is done in a turn of its own.
 */
#pragma once

#include "vmm/state/vm.h"

/* Commands, with ; between them, that are meant for this VM where they name none. */
void point_task_run(struct vm *vm, const char *text);
