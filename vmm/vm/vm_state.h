/* SPDX-License-Identifier: MIT */
/*
 * Transitions between the states of a VM that touch nothing but its clock and its console.
 */
#pragma once

#include "vmm/state/vm.h"

void vm_pause(struct vm *vm);
void vm_resume(struct vm *vm);
/* Ends it with a report; devices and memory stay to be looked at until it is destroyed or reset. */
void vm_stop(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

const char *vm_state_name(enum vm_state s);
const char *vm_engine_name(enum config_engine e);
