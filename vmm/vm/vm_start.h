/* SPDX-License-Identifier: MIT */
/*
 * Resets a VM and loads it, in pieces.
 */
#pragma once

#include "vmm/state/vm.h"

/* Throws away what it was doing; vm_start_piece() does the rest, until vm->start is VM_STARTED. */
void vm_start_begin(struct vm *vm);
void vm_start_piece(struct vm *vm);
