/* SPDX-License-Identifier: MIT */
/*
 * What the guest writes to its page tables, which are watched: roots lose regions, tables lose or
 * gain leaves.
 */
#include "vmm/mmu/shadow_internal.h"

#include "kernel/base/count.h"

#define DEAD_ROOT_WRITES 64u /* to a PD that is not in use: the page is something else by now */

static void unlink_region(struct shadow *s, struct root *r, unsigned region, struct tlb_flush *f)
{
	u16 index = r->link[region];

	if (index == NO_LINK)
		return;
	shadow_unlink(s, r, region);
	shadow_code_region_gone(s, r, region);
	if (r == s->current)
		shadow_tlb_flush_link(s, region, &s->table[index], f);
}

/* Entries first to last of the guest PD that root r has as its d-th. */
static void pd_entries_written(struct shadow *s, struct root *r, unsigned d, unsigned first,
			       unsigned last, struct tlb_flush *f)
{
	for (unsigned e = first; e <= last; e++) {
		if (r->role & ROLE_PAE) {
			unlink_region(s, r, d * 512 + e, f);
		} else {
			unlink_region(s, r, e * 2, f);
			unlink_region(s, r, e * 2 + 1, f);
		}
	}
}

static void doom(struct shadow *s, struct root *r)
{
	r->doomed = true;
	s->doomed_roots++;
	for (unsigned v = 0; v < VIEW_COUNT; v++)
		if (s->active[v] == r)
			s->active[v] = NULL;
}

/* A write to a page that is some root's PD. Returns true if it is one. Several PDPTEs may name one
 * page. */
static bool pd_written(struct shadow *s, gpa_t gpa, u32 len, struct tlb_flush *f)
{
	unsigned offset = gpa & (PAGE_SIZE - 1), n = shadow_pd_find(s, gpa & PAGE_MASK, 0);
	bool any = false;

	for (; n; n = shadow_pd_find(s, gpa & PAGE_MASK, n)) {
		struct root *r = &s->root[(n - 1) / 4];
		unsigned per = r->role & ROLE_PAE ? 8 : 4;

		if (r->doomed)
			continue;
		pd_entries_written(s, r, (n - 1) % 4, offset / per, (offset + len - 1) / per, f);
		if (r == s->current || ++r->writes <= DEAD_ROOT_WRITES)
			any = true;
		else
			doom(s, r);
	}
	return any;
}

/*
 * An entry that the kernel made, accessed already, is about to be used, in this address space or in
 * the one that is loaded next: the leaf is filled now, which saves the fault. What a fault would
 * have to change (A, D), or to refuse, waits for it.
 */
static void prefetch(struct shadow *s, struct table *t, unsigned i, u64 pte)
{
	struct pagewalk w = { .user = t->role & ROLE_U && pte & PTE_U,
			      .writable = t->role & ROLE_W && pte & PTE_W,
			      .executable = t->role & ROLE_X && !(pte & PTE_NX),
			      .dirty = pte & PTE_D,
			      .wrapped = t->role & ROLE_A20_OFF && pte & BIT(20),
			      .gpa = pte & 0xffffff000ull &
				     ~(t->role & ROLE_A20_OFF ? BIT64(20) : 0) };
	const struct gpmem_region *region;

	if ((pte & (PTE_P | PTE_A)) != (PTE_P | PTE_A) || pte & PAE_RESERVED ||
	    (pte & PTE_NX && !(t->role & ROLE_NXE)) || (t->role & ROLE_USER_VIEW && !w.user))
		return;
	region = gpmem_find(s->cpu->mem, w.gpa);
	if (!region || !gpmem_is_writable(region) ||
	    (cpu_is_strict(s->cpu) &&
	     (w.wrapped || gpmem_watches(s->cpu->mem, w.gpa) & GPMEM_WATCH_FRESH)))
		return;
	shadow_leaf_set(s, t, i,
			shadow_leaf_value(s, t->role, &w, w.gpa,
					  gpmem_ptr(s->cpu->mem, w.gpa, false), 0, false),
			w.gpa);
	COUNT(s->stats.prefetched);
}

/* Entry e of a guest page table changed: its leaf, where table t has it. */
static void pte_written(struct shadow *s, struct table *t, unsigned e)
{
	bool pae = t->role & ROLE_PAE;
	unsigned i = pae ? e : e & 511;
	const void *pte;

	if (!pae && (e >> 9) != (t->source >> 11 & 1))
		return;
	if (t->host[i] & PTE_P)
		shadow_tlb_stale_leaf(s, t, i);
	shadow_leaf_clear(s, t, i);
	if (t->code[i / 32] & BIT(i & 31)) {
		t->code[i / 32] &= ~BIT(i & 31);
		shadow_code_moved(s, t->region);
	}
	if (t->region == MIXED || shadow_hides(s, t, i) || shadow_bars(s, t, i))
		return;
	pte = gpmem_ptr(s->cpu->mem, (t->source & PAGE_MASK) + e * (pae ? 8 : 4), false);
	if (pte)
		prefetch(s, t, i, pae ? *(const u64 *)pte : *(const u32 *)pte);
}

/*
 * Leaves of every table made from this page follow it; the guest's own INVLPG or CR3 load makes the
 * TLB forget the old, or, if the TLB is coherent, the end of the write does. Tables that nothing
 * links to are dropped: the page is data now.
 */
static bool pt_written(struct shadow *s, gpa_t gpa, u32 len)
{
	unsigned offset = gpa & (PAGE_SIZE - 1);
	bool any = false;
	struct table *t, *next;

	for (t = shadow_table_first(s, gpa); t; t = next) {
		unsigned per = t->role & ROLE_PAE ? 8 : 4;

		next = shadow_table_next(s, t);
		if (!(t->role & ROLE_PAGING) || (t->role & ROLE_LARGE))
			continue;
		if (!t->links) {
			shadow_table_doom(s, t);
			continue;
		}
		any = true;
		for (unsigned e = offset / per; e <= (offset + len - 1) / per; e++)
			pte_written(s, t, e);
	}
	return any;
}

void shadow_tables_written(void *ctx, gpa_t gpa, u32 len)
{
	struct shadow *s = ctx;
	struct tlb_flush f = { 0 };
	bool pd = pd_written(s, gpa, len, &f), pt = pt_written(s, gpa, len);

	shadow_tlb_flush_end(s, &f);
	COUNT(s->stats.tracked_writes);
	if (!pd && !pt)
		gpmem_unwatch(s->cpu->mem, gpa, GPMEM_WATCH_TABLE);
	if (s->host.tables_followed) {
		shadow_flush_stale(s);
		s->host.tables_followed(s->host.ctx);
	}
}
