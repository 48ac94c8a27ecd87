/* SPDX-License-Identifier: MIT */
/*
 * Linear pages that must fault whatever the guest's tables say. Where a data breakpoint lies, no
 * leaf of the running root maps the page, and every access is ENV_PF_SLOW. Where a debugger stops
 * code, the leaf is no-execute, and every fetch is ENV_PF_SLOW: only raw code fetches through these
 * tables. Afterwards such a leaf is filled again at the first fetch. A table that is linked at
 * several places hides its leaf at all of them, which costs time there and nothing else.
 */
#include "kernel/base/string.h"
#include "vmm/mmu/shadow_internal.h"

static bool among(const struct shadow *s, const gla_t *page, unsigned pages, const struct table *t,
		  unsigned i)
{
	for (unsigned h = 0; h < pages; h++)
		if ((page[h] >> PAGE_SHIFT & 511) == i && s->current &&
		    s->current->link[page[h] >> 21] == t - s->table)
			return true;
	return false;
}

bool shadow_hides(const struct shadow *s, const struct table *t, unsigned i)
{
	return among(s, s->hidden, s->hiddens, t, i);
}

bool shadow_bars(const struct shadow *s, const struct table *t, unsigned i)
{
	return among(s, s->hidden + s->hiddens, s->barred, t, i);
}

/* code: it may stay if nothing can be fetched through it. */
static void clear(struct shadow *s, const struct root *r, gla_t gla, bool code, struct tlb_flush *f)
{
	struct table *t = &s->table[r->link[gla >> 21]];
	unsigned i = gla >> PAGE_SHIFT & 511;

	if (r->link[gla >> 21] == NO_LINK || !(t->host[i] & PTE_P) ||
	    (code && (t->host[i] & PTE_NX)))
		return;
	shadow_leaf_clear(s, t, i);
	shadow_tlb_flush_leaf(s, t, i, f);
}

void shadow_hide_in(struct shadow *s, const struct root *r)
{
	struct tlb_flush f = { 0 };

	for (unsigned h = 0; h < s->hiddens + s->barred; h++)
		clear(s, r, s->hidden[h], h >= s->hiddens, &f);
	shadow_tlb_flush_end(s, &f);
}

void shadow_hide(struct shadow *s, const gla_t *page, unsigned pages, const gla_t *code,
		 unsigned codes)
{
	memcpy(s->hidden, page, pages * sizeof(*page));
	memcpy(s->hidden + pages, code, codes * sizeof(*code));
	s->hiddens = pages + (s->host.have_nx ? 0 : codes);
	s->barred = s->host.have_nx ? codes : 0;
	if (!s->current)
		return;
	shadow_hide_in(s, s->current);
	/* What was mapped by a leaf that the guest has changed since may still be cached. */
	for (unsigned h = 0; h < pages + codes; h++)
		shadow_tlb_flush_page(s, s->hidden[h]);
}
