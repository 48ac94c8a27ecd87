/* SPDX-License-Identifier: MIT */
/*
 * `speed = N%`, `speed = NMHz`: a VM that gets only its share of the processor, evenly spread, for
 * software that fails on fast machines. Each turn is paid for: the VM rests until its share covers
 * what the turn took. A turn lasts its share of a millisecond at most, so that a second looks the
 * same everywhere in it. A VM that others kept waiting may catch up on 10 ms.
 */
#pragma once

#include "vmm/state/vm.h"

void vm_speed_init(struct vm *vm);
/* When the turn that begins now is over, at the latest: end, or before. */
u64 vm_speed_turn_end(const struct vm *vm, u64 now, u64 end);
/* The turn is over. */
void vm_speed_pay(struct vm *vm, u64 began, u64 now);
/* When it wants a turn, if it would want one at wanted. */
u64 vm_speed_wakes_at(const struct vm *vm, u64 wanted);
