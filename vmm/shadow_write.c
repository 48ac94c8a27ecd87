/* SPDX-License-Identifier: MIT */
/*
 * What the guest writes to its page tables, which are watched: roots lose regions, tables lose or
 * gain leaves.
 */
#include "vmm/shadow_internal.h"

#define DEAD_ROOT_WRITES 64u /* to a PD that is not in use: the page is something else by now */

#define PTE_PAE 0x8000000ffffffffful /* the bits that are not reserved: 36 physical ones */

static void unlink_region(struct shadow *s, struct root *r, unsigned region)
{
	u16 index = r->link[region];

	if (index == NO_LINK)
		return;
	shadow_unlink(s, r, region);
	shadow_code_region_gone(s, r, region);
	if (r != s->current)
		return;
	if (s->table[index].leaves > SWITCH_MAX) {
		shadow_tlb_flush_all(s);
		return;
	}
	shadow_tlb_flush_table(s, region, &s->table[index]);
	shadow_tlb_flush_page(s, region << 21); /* with it goes the PD entry */
}

/* Entries first to last of the guest PD that root r has as its d-th. */
static void pd_entries_written(struct shadow *s, struct root *r, unsigned d, unsigned first,
			       unsigned last)
{
	for (unsigned e = first; e <= last; e++) {
		if (r->role & ROLE_PAE) {
			unlink_region(s, r, d * 512 + e);
		} else {
			unlink_region(s, r, e * 2);
			unlink_region(s, r, e * 2 + 1);
		}
	}
}

/* A write to a page that is some root's PD. Returns true if it is one. Several PDPTEs may name one
 * page. */
static bool pd_written(struct shadow *s, gpa_t gpa, u32 len)
{
	gpa_t page = gpa & PAGE_MASK;
	unsigned offset = gpa & (PAGE_SIZE - 1), n, next;
	bool any = false;

	for (n = shadow_pd_find(s, page, 0); n; n = next) {
		struct root *r = &s->root[(n - 1) / 4];
		unsigned per = r->role & ROLE_PAE ? 8 : 4;

		next = shadow_pd_find(s, page, n);
		pd_entries_written(s, r, (n - 1) % 4, offset / per, (offset + len - 1) / per);
		if (r == s->current || ++r->writes <= DEAD_ROOT_WRITES) {
			any = true;
			continue;
		}
		while (next && (next - 1) / 4 == (n - 1) / 4) /* its others go with it */
			next = shadow_pd_find(s, page, next);
		shadow_root_drop(s, r);
	}
	return any;
}

/*
 * An entry that the kernel made for the address space that runs, accessed already, is about to be
 * used: the leaf is filled now, which saves the fault. What a fault would have to change (A, D), or
 * to refuse, waits for it.
 */
static void prefetch(struct shadow *s, struct table *t, unsigned i, u64 pte)
{
	struct pagewalk w = { .user = t->role & ROLE_U && pte & PTE_U,
			      .writable = t->role & ROLE_W && pte & PTE_W,
			      .executable = t->role & ROLE_X && !(pte & PTE_NX),
			      .dirty = pte & PTE_D,
			      .gpa = pte & 0xffffff000ull & s->cpu->a20_mask };
	const struct gpmem_region *region;

	if ((pte & (PTE_P | PTE_A)) != (PTE_P | PTE_A) || pte & ~(u64)PTE_PAE ||
	    (pte & PTE_NX && !(t->role & ROLE_NXE)) || (t->role & ROLE_USER_VIEW && !w.user))
		return;
	region = gpmem_find(s->cpu->mem, w.gpa);
	if (!region || region->kind != GPMEM_RAM)
		return;
	if (shadow_leaf_set(s, t, i,
			    shadow_leaf_value(s, t->role, &w, w.gpa,
					      gpmem_ptr(s->cpu->mem, w.gpa, false), 0, false),
			    w.gpa))
		s->stats.prefetched++;
}

/* Entry e of a guest page table changed: its leaf, where table t has it. */
static void pte_written(struct shadow *s, struct table *t, unsigned e)
{
	bool pae = t->role & ROLE_PAE;
	unsigned i = pae ? e : e & 511;
	const void *pte;

	if (!pae && (e >> 9) != (t->source >> 11 & 1))
		return;
	if (t->host[i] & HOST_P)
		shadow_tlb_stale_leaf(s, t, i);
	shadow_leaf_clear(s, t, i);
	if (t->code[i / 32] & BIT(i & 31)) {
		t->code[i / 32] &= ~BIT(i & 31);
		shadow_code_moved(s, t->region);
	}
	if (t->region == MIXED || !s->current || s->current->link[t->region] != t - s->table)
		return;
	pte = gpmem_ptr(s->cpu->mem, (t->source & PAGE_MASK) + e * (pae ? 8 : 4), false);
	if (pte)
		prefetch(s, t, i, pae ? *(const u64 *)pte : *(const u32 *)pte);
}

/*
 * Leaves of every table made from this page follow it; the guest's own INVLPG or CR3 load makes the
 * TLB forget the old. Tables that nothing links to are dropped: the page is data now.
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
			shadow_table_drop(s, t);
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
	bool pd = pd_written(s, gpa, len), pt = pt_written(s, gpa, len);

	s->stats.tracked_writes++;
	if (!pd && !pt)
		gpmem_unwatch(s->cpu->mem, gpa, GPMEM_WATCH_TABLE);
}
