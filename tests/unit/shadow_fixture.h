/* SPDX-License-Identifier: MIT */
/*
 * A processor for shadow tables on the host: machine memory with made-up addresses, the walk of
 * SDM 3A 4.5 as hardware does it, and a TLB and paging-structure cache that forget only what the
 * architecture says they forget (4.10.4), so that a flush that shadow paging owes is missed.
 *
 *   machine address          what
 *   100000h + n * 4 MiB      chunk n of guest memory (2 MiB each, gaps between)
 *   POOL_HPA + n * 4 KiB     page n of the pool
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kernel/base/alloc.h"
#include "vmm/mmu/shadow.h"

#define CHUNKS	     3u
#define RAM_SIZE     ((u64)CHUNKS << GPMEM_CHUNK_SHIFT)
#define RAM_PAGES    (unsigned)(RAM_SIZE >> PAGE_SHIFT)
#define ROM_START    (RAM_SIZE + 2 * MiB)
#define ROM_SIZE     (16 * 4096u)
#define MMIO_START   (RAM_SIZE + 4 * MiB)
#define POOL_PAGES   2048u
#define POOL_HPA     0x7700000000ull
#define CHUNK_HPA(n) (0x300000ull + (u64)(n)*0x400000ull)
#define TLB_SIZE     64u

#define HW_P	   BIT64(0)
#define HW_W	   BIT64(1)
#define HW_U	   BIT64(2)
#define HW_PS	   BIT64(7)
#define HW_G	   BIT64(8)
#define HW_NX	   BIT64(63)
#define HW_ADDRESS 0x000ffffffffff000ull

struct translation {
	bool present;
	gla_t page; /* 4 KiB */
	hpa_t hpa;
	bool write, user, no_execute;
	bool upper; /* reached 4 GiB up */
	u64 size;   /* of the page that it came from */
};

struct hardware {
	u8 *chunk[CHUNKS + 1]; /* the last one is ROM */
	u8 *pool;
	bool used[POOL_PAGES];
	unsigned live, quota, fail_one_in; /* page_alloc: above floor pages it may fail */
	hpa_t cr3;
	struct translation tlb[TLB_SIZE];
	struct {
		bool valid;
		u64 entry;
	} pde[2048]; /* the paging-structure cache */
	bool alias;  /* accesses wrap at 4 GiB now and then */
	u64 monitor[256];
	const char *broken; /* what shadow paging must never do; NULL: all is well */
	u64 (*random)(void);
};

static void hw_break(struct hardware *h, const char *why)
{
	if (!h->broken)
		h->broken = why;
}

/* --- struct shadow_host */

#define POOL_FLOOR 48u

static void *hw_page_alloc(void *ctx)
{
	struct hardware *h = ctx;
	unsigned n = (unsigned)(h->random() % POOL_PAGES);

	if (h->live >= h->quota ||
	    (h->fail_one_in && h->live >= POOL_FLOOR && h->random() % h->fail_one_in == 0))
		return NULL;
	while (h->used[n])
		n = (n + 1) % POOL_PAGES;
	h->used[n] = true;
	h->live++;
	return memset(h->pool + (size_t)n * PAGE_SIZE, 0, PAGE_SIZE);
}

static void hw_page_free(void *ctx, void *page)
{
	struct hardware *h = ctx;
	size_t n = (size_t)((u8 *)page - h->pool) / PAGE_SIZE;

	if (!h->used[n])
		hw_break(h, "a page was freed twice");
	h->used[n] = false;
	h->live--;
	memset(page, 0xd7, PAGE_SIZE); /* present, reserved bits set: nobody may look at it again */
}

static void hw_kill(void *ctx, const char *why)
{
	hw_break(ctx, why);
}

static hpa_t hw_hpa(void *ctx, const void *hva)
{
	struct hardware *h = ctx;
	const u8 *p = hva;

	if (p >= h->pool && p < h->pool + POOL_PAGES * PAGE_SIZE)
		return POOL_HPA + (u64)(p - h->pool);
	for (unsigned i = 0; i <= CHUNKS; i++)
		if (p >= h->chunk[i] && p < h->chunk[i] + GPMEM_CHUNK_SIZE)
			return CHUNK_HPA(i) + (u64)(p - h->chunk[i]);
	hw_break(h, "hpa() of something else");
	return 0;
}

static void forget_pdes(struct hardware *h)
{
	for (unsigned i = 0; i < 2048; i++)
		h->pde[i].valid = false;
}

static void hw_flush_page(void *ctx, u64 linear)
{
	struct hardware *h = ctx;
	gla_t gla = (gla_t)linear;

	for (unsigned i = 0; i < TLB_SIZE; i++)
		if (!((h->tlb[i].page ^ gla) & ~(h->tlb[i].size - 1)) &&
		    h->tlb[i].upper == (linear >= 4 * GiB))
			h->tlb[i].present = false;
	forget_pdes(h); /* INVLPG forgets all of them (SDM 3A 4.10.4.1) */
}

static void hw_flush_all(void *ctx)
{
	struct hardware *h = ctx;

	for (unsigned i = 0; i < TLB_SIZE; i++)
		h->tlb[i].present = false;
	forget_pdes(h);
}

static void hw_load_cr3(struct hardware *h, hpa_t root, bool force)
{
	if (root == h->cr3 && !force)
		return;
	h->cr3 = root;
	hw_flush_all(h);
}

/* --- The walk */

static const u64 *hw_table(struct hardware *h, u64 entry)
{
	u64 n = ((entry & HW_ADDRESS) - POOL_HPA) >> PAGE_SHIFT;

	if (n >= POOL_PAGES || !h->used[n]) {
		hw_break(h, "a table entry leads to no table");
		return NULL;
	}
	return (const u64 *)(h->pool + n * PAGE_SIZE);
}

/* Guest-physical address of a machine address, or ~0. */
static gpa_t hw_gpa(hpa_t hpa)
{
	for (unsigned i = 0; i < CHUNKS; i++)
		if (hpa - CHUNK_HPA(i) < GPMEM_CHUNK_SIZE)
			return ((u64)i << GPMEM_CHUNK_SHIFT) + (hpa - CHUNK_HPA(i));
	if (hpa - CHUNK_HPA(CHUNKS) < ROM_SIZE)
		return ROM_START + (hpa - CHUNK_HPA(CHUNKS));
	return ~0ull;
}

static const u64 *hw_pd(struct hardware *h, unsigned pdpt_index)
{
	const u64 *pml4 = hw_table(h, h->cr3), *pdpt = pml4 ? hw_table(h, pml4[0]) : NULL;

	return pdpt ? hw_table(h, pdpt[pdpt_index]) : NULL;
}

/* The leaf below a PD entry. */
static struct translation hw_leaf(struct hardware *h, u64 pde, gla_t gla)
{
	struct translation t = { .page = gla & ~(gla_t)(PAGE_SIZE - 1), .size = PAGE_SIZE };
	const u64 *pt;
	u64 e = pde;

	if (!(pde & HW_P))
		return t;
	if (pde & HW_PS) {
		t.size = 2 * MiB;
		t.hpa = (e & HW_ADDRESS & ~(t.size - 1)) | (t.page & (t.size - 1));
	} else {
		pt = hw_table(h, pde);
		e = pt ? pt[gla >> 12 & 511] : 0;
		if (!(e & HW_P))
			return t;
		t.hpa = e & HW_ADDRESS;
	}
	t.present = true;
	t.write = e & pde & HW_W;
	t.user = e & pde & HW_U;
	t.no_execute = (e | pde) & HW_NX;
	if (e & HW_G)
		hw_break(h, "a global entry below 8 GiB");
	return t;
}

static bool hw_allows(const struct translation *t, unsigned access)
{
	if (!t->present || ((access & ACCESS_USER) && !t->user) ||
	    ((access & ACCESS_WRITE) && !t->write))
		return false;
	/* With SMEP a fetch of ring 1 from a user page faults. */
	return !(access & ACCESS_EXEC) || (!t->no_execute && ((access & ACCESS_USER) || !t->user));
}

/* One access by the processor: from the TLB, or by a walk. false: #PF, which forgets the page. */
static bool hw_access(struct hardware *h, gla_t gla, unsigned access, struct translation *out)
{
	unsigned region = gla >> 21;
	bool upper = h->alias && !(h->random() % 4);

	for (unsigned i = 0; i < TLB_SIZE; i++) {
		*out = h->tlb[i];
		if (out->present && out->upper == upper &&
		    out->page == (gla & ~(gla_t)(PAGE_SIZE - 1)) && hw_allows(out, access))
			return true;
	}
	if (!h->pde[region].valid) {
		const u64 *pd = hw_pd(h, gla >> 30);

		if (!pd)
			return false;
		h->pde[region].entry = pd[region & 511];
		h->pde[region].valid = h->pde[region].entry & HW_P;
	}
	*out = hw_leaf(h, h->pde[region].entry, gla);
	out->upper = upper;
	if (!hw_allows(out, access)) {
		hw_flush_page(h,
			      gla + (upper ? 4 * GiB : 0)); /* SDM 3A 4.10.4.1: a page fault does */
		return false;
	}
	h->tlb[h->random() % TLB_SIZE] = *out;
	return true;
}

/* --- Set-up */

static u64 device_read(void *ctx, u64 offset, unsigned size)
{
	(void)ctx;
	(void)offset;
	(void)size;
	return 0;
}

static void device_write(void *ctx, u64 offset, unsigned size, u64 value)
{
	(void)ctx;
	(void)offset;
	(void)size;
	(void)value;
}

static void hw_create(struct hardware *h, struct gpmem *mem, u64 (*random)(void))
{
	static const struct gpmem_mmio device = { device_read, device_write };
	u8 **ram = mem_alloc(CHUNKS * sizeof(*ram)), **rom = mem_alloc(sizeof(*rom));

	memset(h, 0, sizeof(*h));
	h->random = random;
	h->quota = POOL_PAGES - 1;
	h->pool = aligned_alloc(PAGE_SIZE, POOL_PAGES * PAGE_SIZE);
	for (unsigned i = 0; i <= CHUNKS; i++)
		h->chunk[i] = aligned_alloc(GPMEM_CHUNK_SIZE, GPMEM_CHUNK_SIZE);
	memcpy(ram, h->chunk, CHUNKS * sizeof(*ram));
	rom[0] = h->chunk[CHUNKS];
	gpmem_init(mem);
	gpmem_add_ram(mem, 0, RAM_SIZE, ram, false, "ram");
	gpmem_add_rom(mem, ROM_START, ROM_SIZE, rom, "rom");
	gpmem_add_mmio(mem, MMIO_START, PAGE_SIZE, &device, NULL, "device");
	for (unsigned i = 0; i < 256; i++)
		h->monitor[i] = random();
}

static void hw_destroy(struct hardware *h, struct gpmem *mem)
{
	gpmem_destroy(mem);
	for (unsigned i = 0; i <= CHUNKS; i++)
		free(h->chunk[i]);
	free(h->pool);
}
