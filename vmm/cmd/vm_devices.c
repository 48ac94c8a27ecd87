/* SPDX-License-Identifier: MIT */
/*
 * The list of a VM's devices, made from the board's table.
 */
#include "vmm/cmd/vm_devices.h"

#include "emu/dev/device.h"
#include "kernel/console/console.h"
#include "vmm/state/vm.h"

void vm_list_devices(const struct vm *vm)
{
	const struct device_set *set = board_devices(vm->board);

	console_print("%-12s %-22s %10s %10s  %s\n", "DEVICE", "CHIP", "READS", "WRITES", "WHERE");
	for (unsigned i = 0; i < set->count; i++) {
		const struct device *d = &set->device[i];
		char where[80];
		u64 reads, writes;

		board_accesses(vm->board, d->dev, &reads, &writes);
		device_print_resources(d->slot, where, sizeof(where));
		console_print("%-12s %-22s %10llu %10llu  %s\n", d->slot->name,
			      d->slot->class->title, (unsigned long long)reads,
			      (unsigned long long)writes, where);
	}
}
