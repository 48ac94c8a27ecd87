/* SPDX-License-Identifier: MIT */
/*
 * Translations that the guest has changed and not flushed: a processor may use them still (SDM 3A
 * 4.10.2.3). For those who want to know when it would have made a difference: another page, or an
 * access that is refused now. What only gives more rights needs no flush (SDM 3A 4.10.4.3).
 */
#include "vmm/mmu/shadow_internal.h"

static bool same_place(const struct shadow_old *o, gla_t gla)
{
	return !((o->page ^ gla) & ~(gla_t)(o->large - 1));
}

static struct shadow_old *find(struct shadow *s, gla_t gla)
{
	for (unsigned i = 0; i < MIN(s->olds, OLD_MAX); i++)
		if (s->old[i].leaf && s->old[i].page == (gla & ~(PAGE_SIZE - 1)))
			return &s->old[i];
	return NULL;
}

/* The first change counts: what was made of the page since is found by a walk. */
static void note(struct shadow *s, const struct table *t, unsigned i, bool global)
{
	gla_t page = (u32)t->region << 21 | i << PAGE_SHIFT;
	u32 large = t->role & ROLE_PAE ? 2 * MiB : 4 * MiB;

	if (!(t->host[i] & PTE_P) || find(s, page))
		return;
	s->old[s->olds++ % OLD_MAX] =
		(struct shadow_old){ .page = page,
				     .leaf = t->host[i],
				     .large = t->role & ROLE_LARGE ? large : PAGE_SIZE,
				     .global = global };
	if (s->olds == 2 * OLD_MAX)
		s->olds = OLD_MAX;
}

static bool links(const struct shadow *s, const struct root *r, const struct table *t)
{
	return r && t->region != MIXED && r->link[t->region] == t - s->table;
}

/* Does the running address space have it, in one of its views? Others are not in the TLB. */
static bool runs(const struct shadow *s, const struct table *t)
{
	for (unsigned v = 0; v < VIEW_COUNT; v++)
		if (links(s, s->active[v], t))
			return true;
	return links(s, s->current, t);
}

/* What the entry says now is taken for what it said: global pages mostly stay global. */
static bool is_global(const struct shadow *s, const struct table *t, unsigned e)
{
	u32 size = t->role & ROLE_PAE ? 8 : 4, low = 0;

	gpmem_read(s->cpu->mem, (t->source & PAGE_MASK) + e * size, &low, sizeof(low));
	return (low & PTE_G) && (s->cpu->cr4 & CR4_PGE);
}

/* Entry e of the guest's table is written: before, it is noted; after, it waits for its use. */
static void leaf_written(struct shadow *s, struct table *t, unsigned e, bool before)
{
	bool pae = t->role & ROLE_PAE;
	unsigned i = pae ? e : e & 511;

	if (!pae && (e >> 9) != (t->source >> 11 & 1))
		return;
	if (before && runs(s, t))
		note(s, t, i, is_global(s, t, e));
	if (!before)
		shadow_leaf_clear(s, t, i);
}

static void leaves_written(struct shadow *s, gpa_t gpa, u32 len, bool before)
{
	unsigned offset = gpa & (PAGE_SIZE - 1);

	for (struct table *t = shadow_table_first(s, gpa); t; t = shadow_table_next(s, t)) {
		unsigned per = t->role & ROLE_PAE ? 8 : 4;

		if (!(t->role & ROLE_PAGING) || (t->role & ROLE_LARGE) || !t->links)
			continue;
		for (unsigned e = offset / per; e <= (offset + len - 1) / per; e++)
			leaf_written(s, t, e, before);
	}
}

static void note_region(struct shadow *s, const struct root *r, unsigned region)
{
	const struct table *t;

	if (r->link[region] == NO_LINK)
		return;
	t = &s->table[r->link[region]];
	for (unsigned i = 0; i < 512 && runs(s, t); i++)
		note(s, t, i, false);
}

/* An entry of a directory. */
static void note_regions(struct shadow *s, gpa_t gpa, u32 len)
{
	unsigned offset = gpa & (PAGE_SIZE - 1), n = shadow_pd_find(s, gpa & PAGE_MASK, 0);

	for (; n; n = shadow_pd_find(s, gpa & PAGE_MASK, n)) {
		const struct root *r = &s->root[(n - 1) / 4];
		unsigned per = r->role & ROLE_PAE ? 8 : 4, each = r->role & ROLE_PAE ? 1 : 2;
		unsigned first = offset / per * each, end = ((offset + len - 1) / per + 1) * each;

		for (unsigned i = first; i < end; i++)
			note_region(s, r, (n - 1) % 4 * (each == 1 ? 512u : 0) + i);
	}
}

void shadow_old_written(void *ctx, gpa_t gpa, u32 len)
{
	struct shadow *s = ctx;

	leaves_written(s, gpa, len, true);
	note_regions(s, gpa, len);
	shadow_tables_written(s, gpa, len);
	leaves_written(s, gpa, len, false);
}

void shadow_old_told(struct shadow *s, gla_t gla)
{
	struct shadow_old *o = find(s, gla);

	if (o)
		o->leaf = 0;
}

void shadow_old_flush_page(struct shadow *s, gla_t gla)
{
	for (unsigned i = 0; i < MIN(s->olds, OLD_MAX); i++)
		if (s->old[i].leaf && same_place(&s->old[i], gla))
			s->old[i].leaf = 0;
}

void shadow_flush_old(struct shadow *s, bool globals)
{
	bool left = false;

	for (unsigned i = 0; i < MIN(s->olds, OLD_MAX); i++) {
		if (globals || !s->old[i].global)
			s->old[i].leaf = 0;
		left |= s->old[i].leaf != 0;
	}
	if (!left)
		s->olds = 0;
}

/* With the dirty bit clear a processor looks at the tables before it writes. */
static bool allowed(const struct shadow_old *o, unsigned access)
{
	return (!(access & ACCESS_WRITE) || (o->leaf & PTE_MAY_WRITE)) &&
	       (!(access & ACCESS_USER) || (o->leaf & PTE_U));
}

bool shadow_uses_old(struct shadow *s, gla_t gla, unsigned access, const struct pagewalk *now)
{
	const struct shadow_old *o = s->olds ? find(s, gla) : NULL;
	const void *hva;

	if (!o || !allowed(o, access))
		return false;
	hva = now ? gpmem_ptr(s->cpu->mem, now->gpa & PAGE_MASK, false) : NULL;
	return !hva || (s->host.hpa(s->host.ctx, hva) & PTE_FRAME) != (o->leaf & PTE_FRAME);
}
