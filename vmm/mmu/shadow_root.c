/* SPDX-License-Identifier: MIT */
/*
 * Roots: host address spaces, one per guest address space, role and view, found again at the next
 * CR3 switch.
 *
 * Guest PD entries map to host PD entries: PAE one to one, non-PAE one to two. Host PD entries
 * carry all rights; what the guest's PD entry takes away is part of the table's role.
 */
#include "kernel/base/string.h"
#include "vmm/mmu/shadow_internal.h"

static u16 *pd_chain(struct shadow *s, gpa_t page)
{
	return &s->pd_first[(page >> PAGE_SHIFT) % PD_HASH];
}

/* Where the processor reads it: with A20 off, not where the key says. */
static gpa_t pd_page(const struct root *r, unsigned d)
{
	return r->key[d] & PTE_FRAME & ~(r->role & ROLE_A20_OFF ? BIT64(20) : 0);
}

unsigned shadow_pd_find(const struct shadow *s, gpa_t page, unsigned n)
{
	n = n ? s->pd_next[n] : s->pd_first[(page >> PAGE_SHIFT) % PD_HASH];
	while (n && pd_page(&s->root[(n - 1) / 4], (n - 1) % 4) != page)
		n = s->pd_next[n];
	return n;
}

/* The guest's PDs of a root are watched, and found by their page. */
void shadow_root_note_pds(struct shadow *s, const struct root *r, bool on)
{
	if (!(r->role & ROLE_PAGING))
		return;
	for (unsigned d = 0; d < (r->role & ROLE_PAE ? 4u : 1u); d++) {
		u16 n = (u16)((r - s->root) * 4 + d + 1), *link = pd_chain(s, pd_page(r, d));

		if ((r->role & ROLE_PAE) && !(r->key[d] & 1))
			continue;
		if (on) {
			s->pd_next[n] = *link;
			*link = n;
			gpmem_watch(s->cpu->mem, pd_page(r, d), GPMEM_WATCH_TABLE);
			continue;
		}
		while (*link != n)
			link = &s->pd_next[*link];
		*link = s->pd_next[n];
	}
}

static void free_pages(struct shadow *s, struct root *r)
{
	void *page[] = { r->pd[0], r->pd[1], r->pd[2], r->pd[3], r->link };

	for (unsigned i = 0; i < ARRAY_SIZE(page); i++) {
		if (page[i]) {
			s->host.page_free(s->host.ctx, page[i]);
			s->stats.pages_used--;
		}
	}
}

void shadow_unlink(struct shadow *s, struct root *r, unsigned region)
{
	u16 t = r->link[region];

	if (t == NO_LINK)
		return;
	s->table[t].links--;
	s->links_changed++;
	r->link[region] = NO_LINK;
	r->pd[region / 512][region % 512] = 0;
}

void shadow_root_free(struct shadow *s, struct root *r)
{
	s->doomed_roots -= r->doomed;
	shadow_root_note_pds(s, r, false);
	free_pages(s, r);
	if (s->kernel_root == r)
		s->kernel_root = NULL;
	*r = (struct root){ 0 };
	for (unsigned v = 0; v < VIEW_COUNT; v++)
		if (s->active[v] == r)
			s->active[v] = NULL;
}

void shadow_root_drop(struct shadow *s, struct root *r)
{
	for (unsigned i = 0; i < 2048; i++)
		shadow_unlink(s, r, i);
	shadow_root_free(s, r);
}

static u64 *page(struct shadow *s)
{
	u64 *p = s->host.page_alloc(s->host.ctx);

	if (p)
		s->stats.pages_used++;
	return p;
}

bool shadow_root_build(struct shadow *s, struct root *r)
{
	r->link = (u16 *)(void *)page(s);
	for (int i = 0; i < 4; i++)
		r->pd[i] = page(s);
	if (!r->pd[0] || !r->pd[1] || !r->pd[2] || !r->pd[3] || !r->link) {
		free_pages(s, r);
		*r = (struct root){ 0 };
		return false;
	}
	for (int i = 0; i < 4; i++)
		r->pdpte[i] = s->host.hpa(s->host.ctx, r->pd[i]) | PTE_ALL;
	memset(r->link, 0xff, PAGE_SIZE);
	return true;
}

bool shadow_create_top(struct shadow *s)
{
	s->pml4 = page(s);
	s->pdpt = page(s);
	if (!s->pml4 || !s->pdpt)
		return false;
	s->pml4[0] = s->host.hpa(s->host.ctx, s->pdpt) | PTE_ALL;
	memcpy(s->pml4 + 256, s->host.monitor_pml4, 256 * sizeof(u64));
	return true;
}

struct root *shadow_root_oldest(struct shadow *s)
{
	struct root *best = NULL;

	for (unsigned i = 0; i < ROOT_MAX; i++) {
		struct root *r = &s->root[i];

		if (r->used && r != s->current && r != s->active[VIEW_KERNEL] &&
		    r != s->active[VIEW_USER] && (!best || r->last_use < best->last_use))
			best = r;
	}
	return best;
}
