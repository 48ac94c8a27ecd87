/* SPDX-License-Identifier: MIT */
/*
 * A VM as a task of the scheduler (kernel/sched/sched.h).
 */
#pragma once

#include "vmm/state/vm.h"

/* From now on it has turns; no more. */
void vm_task_begin(struct vm *vm);
void vm_task_end(struct vm *vm);
