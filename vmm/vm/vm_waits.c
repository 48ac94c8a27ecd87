/* SPDX-License-Identifier: MIT */
/*
 * A VM waits from the end of a turn, or of its rest, to the beginning of the next turn.
 */
#include "vmm/vm/vm_waits.h"

#define NOT_WAITING UINT64_MAX

void vm_waits_begin(struct vm *vm)
{
	u64 now = vm_now(vm), rested = vm->speed.rests_until;

	if (vm->waits_from != NOT_WAITING)
		return; /* since before it was paused */
	vm->waits_from = rested > vm->time_offset ? MAX(now, rested - vm->time_offset) : now;
}

void vm_waits_end(struct vm *vm)
{
	vm->waited = vm_waited(vm);
	vm->waits_from = NOT_WAITING;
}

u64 vm_waited(const struct vm *vm)
{
	u64 now = vm_now(vm);

	return vm->waited + (now > vm->waits_from ? now - vm->waits_from : 0);
}
