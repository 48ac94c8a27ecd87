/* SPDX-License-Identifier: MIT */
/*
 * What the real TLB may hold, and how it leaves: page by page while they are few, else all.
 */
#include "vmm/mmu/shadow_internal.h"

void shadow_tlb_flush_all(struct shadow *s)
{
	s->stales = 0;
	s->host.tlb_flush_all(s->host.ctx);
}

void shadow_tlb_flush_page(struct shadow *s, gla_t gla)
{
	s->host.tlb_flush_page(s->host.ctx, gla);
	if (s->alias)
		s->host.tlb_flush_page(s->host.ctx, gla + 4 * GiB);
}

static void flush(struct shadow *s, gla_t gla, struct tlb_flush *f)
{
	if (f->pages > SWITCH_MAX || ++f->pages > SWITCH_MAX)
		return;
	shadow_tlb_flush_page(s, gla);
}

void shadow_tlb_flush_end(struct shadow *s, const struct tlb_flush *f)
{
	if (f->pages > SWITCH_MAX)
		shadow_tlb_flush_all(s);
}

void shadow_tlb_flush_table(struct shadow *s, unsigned region, const struct table *t,
			    struct tlb_flush *f)
{
	if (t->leaves > SWITCH_MAX) {
		f->pages = SWITCH_MAX + 1;
		return;
	}
	for (unsigned w = 0; w < ARRAY_SIZE(t->present); w++)
		for (u64 bits = t->present[w]; bits; bits &= bits - 1)
			flush(s, region << 21 | (w * 64 + (u32)__builtin_ctzll(bits)) << PAGE_SHIFT,
			      f);
}

void shadow_tlb_flush_link(struct shadow *s, unsigned region, const struct table *t,
			   struct tlb_flush *f)
{
	shadow_tlb_flush_table(s, region, t, f);
	flush(s, region << 21, f);
}

/* Only the running root's translations are in the TLB. */
static bool may_be_cached(const struct shadow *s, const struct table *t)
{
	return t->links && s->current &&
	       (t->region == MIXED || s->current->link[t->region] == t - s->table);
}

static gla_t leaf_gla(const struct table *t, unsigned i)
{
	return (u32)t->region << 21 | i << PAGE_SHIFT;
}

void shadow_tlb_flush_leaf(struct shadow *s, const struct table *t, unsigned i, struct tlb_flush *f)
{
	if (!may_be_cached(s, t))
		return;
	if (t->region == MIXED)
		f->pages = SWITCH_MAX + 1;
	else
		flush(s, leaf_gla(t, i), f);
}

void shadow_tlb_stale_leaf(struct shadow *s, const struct table *t, unsigned i)
{
	if (!may_be_cached(s, t))
		return;
	if (t->region == MIXED)
		s->stales = STALE_MAX + 1;
	else if (s->stales < STALE_MAX)
		s->stale[s->stales++] = leaf_gla(t, i);
	else
		s->stales = STALE_MAX + 1;
}

void shadow_flush_stale(struct shadow *s)
{
	if (s->stales > STALE_MAX) {
		shadow_tlb_flush_all(s);
		return;
	}
	while (s->stales)
		shadow_tlb_flush_page(s, s->stale[--s->stales]);
}
