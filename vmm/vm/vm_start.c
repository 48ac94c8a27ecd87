/* SPDX-License-Identifier: MIT */
/*
 * From power-on to the first instruction, a piece at a time: what has to be forgotten and copied
 * grows with the guest's memory and images, so it is done in the VM's own turns (vmm/vm/vm_task.c)
 * and on its account. A piece takes a millisecond at most; interrupts are on.
 */
#include "vmm/vm/vm_start.h"

#include "vmm/run/vcpu_life.h"
#include "vmm/vm/vm_load.h"
#include "vmm/vm/vm_ram.h"
#include "vmm/vm/vm_snap.h"
#include "vmm/vm/vm_state.h"

#define PIECE_BYTES (64 * MiB) /* of RAM whose notes are looked through in one piece */

void vm_start_begin(struct vm *vm)
{
	vm_snap_abandon(vm);
	vm->unborn = false;
	vm->start = VM_START_PROCESSOR;
	vm->start_at = 0;
}

/* Goes through the notes on RAM. True: to the end. */
static bool each_part(struct vm *vm, void (*forget)(struct vm *vm, gpa_t from, u64 size))
{
	u64 size = MIN(vm->config.memory - vm->start_at, PIECE_BYTES);

	forget(vm, vm->start_at, size);
	vm->start_at += size;
	if (vm->start_at < vm->config.memory)
		return false;
	vm->start_at = 0;
	return true;
}

static void forget_code(struct vm *vm, gpa_t from, u64 size)
{
	raw_pages_reset(&vm->raw_pages, (u32)(from >> PAGE_SHIFT), (u32)(size >> PAGE_SHIFT));
}

void vm_start_piece(struct vm *vm)
{
	switch (vm->start) {
	case VM_STARTED:
		return;
	case VM_START_PROCESSOR:
		vcpu_reset(vm->vcpu);
		break;
	case VM_START_TRANSLATIONS:
		vcpu_forget(vm->vcpu);
		break;
	case VM_START_CODE:
		if (!each_part(vm, forget_code))
			return;
		break;
	case VM_START_RAM:
		if (!each_part(vm, vm_ram_clear))
			return;
		if (vm->snap) {
			gpmem_fresh_end(&vm->mem); /* no stream says who wrote what */
			vm->start = VM_START_SNAP;
			return;
		}
		break;
	case VM_START_BOARD:
		board_reset(vm->board);
		break;
	case VM_START_IMAGES:
		if (vm_load_begin(vm)) {
			vm_stop(vm, "cannot load its images");
			vm->start = VM_STARTED;
			return;
		}
		break;
	case VM_START_COPY:
		if (!vm_load_step(vm))
			vm->start = VM_STARTED;
		return;
	case VM_START_SNAP:
		vm_snap_piece(vm);
		return;
	}
	vm->start++;
}
