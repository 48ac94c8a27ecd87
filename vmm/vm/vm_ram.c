/* SPDX-License-Identifier: MIT */
/*
 * A VM's RAM: 2 MiB chunks of the machine's memory, added to its guest-physical space around the
 * hole from A0000h to 100000h.
 */
#include "vmm/vm/vm_ram.h"

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/mem/page.h"
#include "vmm/state/vm.h"
#include "kernel/hw/pc_layout.h"

static int add_part(struct vm *vm, gpa_t start, u64 end, u64 offset, const char *name)
{
	u64 size = end - start;
	u32 n = (u32)((size + GPMEM_CHUNK_SIZE - 1) >> GPMEM_CHUNK_SHIFT);
	u8 **chunk = mem_alloc(n * sizeof(*chunk));

	if (!chunk)
		return E_NOMEM;
	for (u32 i = 0; i < n; i++)
		chunk[i] = vm->chunk[(start >> GPMEM_CHUNK_SHIFT) + i] + offset;
	return gpmem_add_ram(&vm->mem, start, size, chunk, false, name);
}

static int add_parts(struct vm *vm)
{
	u64 size = vm->config.memory;
	int err = add_part(vm, 0, PC_VIDEO, 0, "low RAM");

	if (!err)
		err = add_part(vm, PC_HIGH, GPMEM_CHUNK_SIZE, PC_HIGH, "RAM 1-2M");
	if (!err && size > GPMEM_CHUNK_SIZE)
		err = add_part(vm, GPMEM_CHUNK_SIZE, size, 0, "RAM");
	return err;
}

int vm_ram_create(struct vm *vm)
{
	u32 n = (u32)((vm->config.memory + GPMEM_CHUNK_SIZE - 1) >> GPMEM_CHUNK_SHIFT);

	vm->chunk = mem_alloc(n * sizeof(*vm->chunk));
	if (!vm->chunk)
		return E_NOMEM;
	for (; vm->chunks < n; vm->chunks++) {
		vm->chunk[vm->chunks] = page_alloc(PAGE_ORDER_2M);
		if (!vm->chunk[vm->chunks])
			goto free;
	}
	if (!add_parts(vm))
		return 0;
free:
	vm_ram_destroy(vm);
	return E_NOMEM;
}

void vm_ram_destroy(struct vm *vm)
{
	while (vm->chunks)
		page_free(vm->chunk[--vm->chunks], PAGE_ORDER_2M);
	mem_free(vm->chunk);
	vm->chunk = NULL;
}

void vm_ram_clear(struct vm *vm, gpa_t from, u64 size)
{
	for (unsigned i = 0; i < vm->mem.regions; i++) {
		struct gpmem_region *r = &vm->mem.region[i];
		u64 first = MAX(from, r->start), end = MIN(from + size, r->start + r->size);

		if (r->kind != GPMEM_RAM || r->start + r->size > vm->config.memory)
			continue;
		if (r->start >= PC_VIDEO && r->start < PC_HIGH)
			continue; /* the board's */
		for (u64 at = first; at < end; at += PAGE_SIZE)
			r->page[(at - r->start) >> PAGE_SHIFT] &= (u8)~GPMEM_ZEROED;
	}
}
