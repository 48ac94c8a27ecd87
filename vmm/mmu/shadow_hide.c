/* SPDX-License-Identifier: MIT */
/*
 * Linear pages that must fault whatever the guest's tables say, because a data breakpoint lies on
 * them: no leaf of the running root maps them, and every access is ENV_PF_SLOW. There are four at
 * most. A table that is linked at several places hides its leaf at all of them, which costs time
 * there and nothing else.
 */
#include "kernel/base/string.h"
#include "vmm/mmu/shadow_internal.h"

bool shadow_hides(const struct shadow *s, const struct table *t, unsigned i)
{
	for (unsigned h = 0; h < s->hiddens; h++)
		if ((s->hidden[h] >> PAGE_SHIFT & 511) == i && s->current &&
		    s->current->link[s->hidden[h] >> 21] == t - s->table)
			return true;
	return false;
}

static void clear(struct shadow *s, const struct root *r, gla_t gla, struct tlb_flush *f)
{
	struct table *t = &s->table[r->link[gla >> 21]];
	unsigned i = gla >> PAGE_SHIFT & 511;

	if (r->link[gla >> 21] == NO_LINK || !(t->host[i] & PTE_P))
		return;
	shadow_leaf_clear(s, t, i);
	shadow_tlb_flush_leaf(s, t, i, f);
}

void shadow_hide_in(struct shadow *s, const struct root *r)
{
	struct tlb_flush f = { 0 };

	for (unsigned h = 0; h < s->hiddens; h++)
		clear(s, r, s->hidden[h], &f);
	shadow_tlb_flush_end(s, &f);
}

void shadow_hide(struct shadow *s, const gla_t *page, unsigned pages)
{
	s->hiddens = pages;
	memcpy(s->hidden, page, pages * sizeof(*page));
	if (!s->current)
		return;
	shadow_hide_in(s, s->current);
	/* What was mapped by a leaf that the guest has changed since may still be cached. */
	for (unsigned h = 0; h < pages; h++)
		shadow_tlb_flush_page(s, page[h]);
}
