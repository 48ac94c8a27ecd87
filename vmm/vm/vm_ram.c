/* SPDX-License-Identifier: MIT */
/*
 * A VM's RAM: 2 MiB chunks of the machine's memory, added to its guest-physical space around the
 * hole from A0000h to 100000h. With a balloon, pages from 1 MiB up can be given back.
 */
#include "vmm/vm/vm_ram.h"

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/mem/page.h"
#include "vmm/state/vm.h"
#include "kernel/hw/pc_layout.h"

/* --- Pages that come and go */

/* Where there is no page for an access that cannot fail, the VM ends, and its next instruction is
 * its last: until then one page of its own serves for all. */
static void *take_frame(void *ctx, bool must)
{
	struct vm *vm = ctx;
	void *page = page_alloc(0);

	if (page || !must)
		return page;
	vm_kill(vm, "the machine has no memory for a page that its balloon gave back");
	return vm->spare_page;
}

static void give_frame(void *ctx, void *page)
{
	struct vm *vm = ctx;

	if (page != vm->spare_page)
		page_free(page, 0);
}

static int use_balloon(struct vm *vm)
{
	if (!vm->config.balloon)
		return 0;
	vm->spare_page = page_alloc(0);
	vm->frames = (struct gpmem_frames){ take_frame, give_frame, vm };
	vm->mem.frames = &vm->frames;
	return vm->spare_page ? 0 : E_NOMEM;
}

/* --- Chunks */

static int add_part(struct vm *vm, gpa_t start, u64 end, u64 offset, const char *name)
{
	u64 size = end - start;
	u32 n = (u32)((size + GPMEM_CHUNK_SIZE - 1) >> GPMEM_CHUNK_SHIFT);
	u8 **chunk = mem_alloc(n * sizeof(*chunk));
	int err;

	if (!chunk)
		return E_NOMEM;
	for (u32 i = 0; i < n; i++)
		chunk[i] = vm->chunk[(start >> GPMEM_CHUNK_SHIFT) + i] + offset;
	err = gpmem_add_ram(&vm->mem, start, size, chunk, false, name);
	if (err)
		mem_free(chunk);
	else if (vm->config.balloon && start)
		err = gpmem_lend(&vm->mem, start);
	return err;
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
	if (!use_balloon(vm) && !add_parts(vm) &&
	    !(vm->config.strict_ram && gpmem_follow_fresh(&vm->mem, vm->config.strict_ram)))
		return 0;
free:
	vm_ram_destroy(vm);
	return E_NOMEM;
}

/* A chunk, without the pages of it that were given back. */
static void free_chunk(struct vm *vm, unsigned n)
{
	u8 *chunk = vm->chunk[n];
	gpa_t start = (gpa_t)n << GPMEM_CHUNK_SHIFT;
	bool whole = true;
	void *now;

	for (u32 at = 0; at < GPMEM_CHUNK_SIZE && whole; at += PAGE_SIZE)
		whole = !gpmem_is_elsewhere(&vm->mem, start + at, &now);
	if (whole) {
		page_free(chunk, PAGE_ORDER_2M);
		return;
	}
	for (u32 at = 0; at < GPMEM_CHUNK_SIZE; at += PAGE_SIZE)
		if (!gpmem_is_elsewhere(&vm->mem, start + at, &now))
			page_free(chunk + at, 0);
}

void vm_ram_destroy(struct vm *vm)
{
	while (vm->chunks)
		free_chunk(vm, --vm->chunks);
	mem_free(vm->chunk);
	vm->chunk = NULL;
	gpmem_destroy(&vm->mem);
	if (vm->spare_page)
		page_free(vm->spare_page, 0);
	vm->spare_page = NULL;
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
		if (first < end)
			gpmem_fresh_begin(&vm->mem, first, end - first);
		for (u64 at = first; at < end; at += PAGE_SIZE)
			r->page[(at - r->start) >> PAGE_SHIFT] &= (u8)~GPMEM_ZEROED;
	}
}
