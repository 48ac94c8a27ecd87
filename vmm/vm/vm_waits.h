/* SPDX-License-Identifier: MIT */
/*
 * How long a VM wanted the processor while others had it, in virtual time. Its devices do not take
 * that for the guest's own doing (emu/dev/late_ticks.h). A rest after a turn, which `speed` asks
 * for, is no wait: a slow processor is what the guest is to see.
 */
#pragma once

#include "vmm/state/vm.h"

/* It wants a turn from now on, or from when its rest is over. */
void vm_waits_begin(struct vm *vm);
/* A turn of it begins. */
void vm_waits_end(struct vm *vm);
/* ns so far. */
u64 vm_waited(const struct vm *vm);
