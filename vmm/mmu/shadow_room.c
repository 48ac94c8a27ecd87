/* SPDX-License-Identifier: MIT */
/*
 * How roots and tables go: what the guest's writes have doomed, and what is given up for the quota.
 * Nobody up the stack holds one where this is called. Each call is bounded: some tables, or a root.
 */
#include "kernel/base/string.h"
#include "kernel/base/count.h"
#include "vmm/mmu/shadow_internal.h"

#define BATCH	   16u /* tables that go at a time: 8,192 leaves at most */
#define MIXED_COST 8u  /* of them, to find each place where a table is linked */

static unsigned free_doomed(struct shadow *s, unsigned max)
{
	unsigned n = 0;

	for (; s->doomed_table != NO_INDEX && n < max; n++) {
		struct table *t = &s->table[s->doomed_table];

		s->doomed_table = t->next;
		shadow_table_free(s, t);
	}
	return n;
}

static unsigned drop_doomed_roots(struct shadow *s)
{
	unsigned n = 0;

	for (unsigned i = 0; s->doomed_roots && i < ROOT_MAX; i++) {
		if (!s->root[i].doomed)
			continue;
		shadow_root_drop(s, &s->root[i]);
		n++;
	}
	return n;
}

void shadow_reap(struct shadow *s)
{
	drop_doomed_roots(s);
	free_doomed(s, BATCH);
}

static void unlink_everywhere(struct shadow *s, struct table *t, struct tlb_flush *f)
{
	u16 index = (u16)(t - s->table);

	for (unsigned i = 0; i < ROOT_MAX && t->links; i++) {
		struct root *r = &s->root[i];
		unsigned first = t->region == MIXED ? 0 : t->region;
		unsigned end = t->region == MIXED ? 2048 : first + 1;

		for (unsigned g = first; r->used && g < end; g++) {
			if (r->link[g] != index)
				continue;
			shadow_unlink(s, r, g);
			shadow_code_region_gone(s, r, g);
			if (r == s->current)
				shadow_tlb_flush_link(s, g, t, f);
		}
	}
}

void shadow_table_evict(struct shadow *s, struct table *t)
{
	struct tlb_flush f = { 0 };

	unlink_everywhere(s, t, &f);
	shadow_tlb_flush_end(s, &f);
	shadow_table_doom(s, t);
}

/* Dooms some of the tables, those behind the ones looked at last. */
static void doom_tables(struct shadow *s, bool linked)
{
	struct tlb_flush f = { 0 };
	unsigned cost = 0;

	for (u32 n = 0; n < s->tables && cost < BATCH; n++) {
		struct table *t = &s->table[s->hand];

		s->hand = (s->hand + 1) % s->tables;
		if (!t->host || t->doomed || (t->links && !linked))
			continue;
		cost += t->links && t->region == MIXED ? MIXED_COST : 1;
		unlink_everywhere(s, t, &f);
		shadow_table_doom(s, t);
	}
	/* Before they go: the processor may still walk them. */
	shadow_tlb_flush_end(s, &f);
}

bool shadow_make_room(struct shadow *s)
{
	struct root *oldest;

	COUNT(s->stats.evictions);
	if (drop_doomed_roots(s) || free_doomed(s, BATCH))
		return true;
	doom_tables(s, false);
	if (free_doomed(s, BATCH))
		return true;
	oldest = shadow_root_oldest(s);
	if (oldest) {
		shadow_root_drop(s, oldest);
		return true;
	}
	doom_tables(s, true);
	return free_doomed(s, BATCH);
}

/* All at once, without a look at a single leaf. */
void shadow_flush(struct shadow *s)
{
	s->olds = 0;
	for (unsigned i = 0; i < ROOT_MAX; i++) {
		struct root *r = &s->root[i];

		if (!r->used)
			continue;
		if (r != s->current) {
			shadow_root_free(s, r);
			continue;
		}
		memset(r->link, 0xff, PAGE_SIZE);
		for (unsigned d = 0; d < 4; d++)
			memset(r->pd[d], 0, PAGE_SIZE);
	}
	/* Before the tables go: the processor may still walk them. */
	shadow_tlb_flush_all(s);
	for (u32 i = 0; i < s->tables; i++) {
		if (!s->table[i].host)
			continue;
		s->host.page_free(s->host.ctx, s->table[i].host);
		s->host.page_free(s->host.ctx, s->table[i].leaf);
		s->table[i].host = NULL;
		COUNT(s->stats.tables_flushed);
		s->stats.pages_used -= 2;
	}
	s->tables = s->hand = 0;
	s->free_table = s->doomed_table = NO_INDEX;
	memset(s->hash, 0xff, sizeof(s->hash));
	memset(s->rmap, 0xff, s->rmap_pages * sizeof(*s->rmap));
	memset(s->added, 0, s->rmap_pages * sizeof(*s->added));
	shadow_code_moved(s, MIXED);
	COUNT(s->stats.pool_flushes);
}
