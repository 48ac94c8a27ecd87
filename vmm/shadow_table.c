/* SPDX-License-Identifier: MIT */
/*
 * Host page tables, their leaves, and the reverse map.
 */
#include "kernel/base/alloc.h"
#include "kernel/base/string.h"
#include "vmm/shadow_internal.h"

#define NODES_PER_CHUNK (PAGE_SIZE / sizeof(struct rnode))

/* By guest page, so that the tables made from one page share a chain. */
static u32 hash_of(gpa_t source)
{
	return (u32)(source >> PAGE_SHIFT) * 0x9e3779b1u >> 16 & (TABLE_HASH - 1);
}

static struct table *same_page(struct shadow *s, u32 i, gpa_t gpa)
{
	while (i != NO_INDEX && ((s->table[i].source ^ gpa) & PAGE_MASK))
		i = s->table[i].next;
	return i == NO_INDEX ? NULL : &s->table[i];
}

struct table *shadow_table_first(struct shadow *s, gpa_t gpa)
{
	return same_page(s, s->hash[hash_of(gpa)], gpa);
}

struct table *shadow_table_next(struct shadow *s, struct table *t)
{
	return same_page(s, t->next, t->source);
}

static struct table *find(struct shadow *s, gpa_t source, u32 role)
{
	struct table *t = shadow_table_first(s, source);

	while (t && (t->source != source || t->role != role))
		t = shadow_table_next(s, t);
	return t;
}

struct table *shadow_table_get(struct shadow *s, gpa_t source, u32 role)
{
	struct table *t = find(s, source, role);
	u32 i, h = hash_of(source);
	u64 *host;

	if (t)
		return t;
	i = s->free_table;
	if (i == NO_INDEX && s->tables == TABLE_MAX)
		return NULL;
	host = s->host.page_alloc(s->host.ctx);
	if (!host)
		return NULL;
	if (i == NO_INDEX)
		i = s->tables;
	if (!s->leaf_page[i]) {
		s->leaf_page[i] = mem_alloc(512 * sizeof(u32));
		s->stats.leaf_arrays += s->leaf_page[i] != NULL;
	}
	if (!s->leaf_page[i]) {
		s->host.page_free(s->host.ctx, host);
		return NULL;
	}
	if (i == s->tables)
		s->tables++;
	else
		s->free_table = s->table[i].next;
	s->table[i] =
		(struct table){ .host = host, .source = source, .role = role, .next = s->hash[h] };
	s->hash[h] = i;
	s->stats.tables_created++;
	s->stats.pages_used++;
	if ((role & ROLE_PAGING) && !(role & ROLE_LARGE))
		gpmem_watch(s->cpu->mem, source & PAGE_MASK, GPMEM_WATCH_TABLE);
	return &s->table[i];
}

/* --- The TLB */

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

void shadow_tlb_flush_table(struct shadow *s, unsigned region, const struct table *t)
{
	for (unsigned w = 0; w < ARRAY_SIZE(t->present); w++)
		for (u64 bits = t->present[w]; bits; bits &= bits - 1)
			shadow_tlb_flush_page(s,
					      region << 21 | (w * 64 + (u32)__builtin_ctzll(bits))
								     << PAGE_SHIFT);
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

void shadow_tlb_flush_leaf(struct shadow *s, const struct table *t, unsigned i)
{
	if (!may_be_cached(s, t))
		return;
	if (t->region == MIXED)
		shadow_tlb_flush_all(s);
	else
		shadow_tlb_flush_page(s, leaf_gla(t, i));
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

static struct rnode *node_at(struct shadow *s, u32 i)
{
	return &s->node[i / NODES_PER_CHUNK][i % NODES_PER_CHUNK];
}

static u32 node_alloc(struct shadow *s)
{
	u32 i = s->node_free;

	if (i != NO_INDEX) {
		s->node_free = node_at(s, i)->next;
		return i;
	}
	if (s->node_chunks == TABLE_MAX)
		return NO_INDEX;

	struct rnode *chunk = s->host.page_alloc(s->host.ctx);

	if (!chunk)
		return NO_INDEX;
	i = s->node_chunks * (u32)NODES_PER_CHUNK;
	s->node[s->node_chunks++] = chunk;
	s->stats.pages_used++;
	for (u32 n = 1; n < NODES_PER_CHUNK; n++)
		chunk[n].next = n + 1 < NODES_PER_CHUNK ? i + n + 1 : NO_INDEX;
	s->node_free = i + 1;
	return i;
}

static u32 page_index(const struct shadow *s, gpa_t page)
{
	u64 i = page >> PAGE_SHIFT;

	return i < s->rmap_pages ? (u32)i : NO_INDEX;
}

void shadow_leaf_clear(struct shadow *s, struct table *t, unsigned i)
{
	u64 old = t->host[i];
	u32 leaf = (u32)(t - s->table) * 512 + i;

	if (!(old & HOST_P))
		return;
	t->host[i] = 0;
	t->present[i / 64] &= ~BIT64(i & 63);
	t->leaves--;

	u32 page = s->leaf_page[leaf / 512][i];
	u32 *link;

	if (page == NO_INDEX)
		return;
	for (link = &s->rmap[page]; *link != NO_INDEX; link = &node_at(s, *link)->next) {
		u32 n = *link;

		if (node_at(s, n)->leaf != leaf)
			continue;
		*link = node_at(s, n)->next;
		node_at(s, n)->next = s->node_free;
		s->node_free = n;
		break;
	}
}

bool shadow_leaf_set(struct shadow *s, struct table *t, unsigned i, u64 value, gpa_t page)
{
	u32 index = page_index(s, page), leaf = (u32)(t - s->table) * 512 + i, n;

	if (t->host[i] & HOST_P) {
		if ((t->host[i] & HOST_ADDRESS) == (value & HOST_ADDRESS)) {
			t->host[i] = value; /* more rights for the same page */
			return true;
		}
		shadow_leaf_clear(s, t, i);
	}
	if (index != NO_INDEX) {
		n = node_alloc(s);
		if (n == NO_INDEX)
			return false;
		*node_at(s, n) = (struct rnode){ s->rmap[index], leaf };
		s->rmap[index] = n;
	}
	s->leaf_page[leaf / 512][i] = index;
	t->host[i] = value;
	t->present[i / 64] |= BIT64(i & 63);
	t->leaves++;
	return true;
}

void shadow_table_drop(struct shadow *s, struct table *t)
{
	u32 i = (u32)(t - s->table), *link = &s->hash[hash_of(t->source)];

	for (unsigned e = 0; e < 512; e++)
		shadow_leaf_clear(s, t, e);
	while (*link != i)
		link = &s->table[*link].next;
	*link = t->next;
	s->host.page_free(s->host.ctx, t->host);
	t->host = NULL;
	t->next = s->free_table;
	s->free_table = i;
	s->stats.tables_flushed++;
	s->stats.pages_used--;
}

void shadow_page_restrict(struct shadow *s, gpa_t page, u64 clear, u64 set)
{
	u32 index = page_index(s, page);

	if (index == NO_INDEX)
		return;
	for (u32 n = s->rmap[index]; n != NO_INDEX; n = node_at(s, n)->next) {
		struct table *t = &s->table[node_at(s, n)->leaf / 512];
		u32 i = node_at(s, n)->leaf % 512;
		u64 old = t->host[i], now = (old & ~clear) | set;

		if (now == old)
			continue;
		t->host[i] = now;
		shadow_tlb_flush_leaf(s, t, i);
	}
	shadow_flush_stale(s);
}

void shadow_page_refill(struct shadow *s, gpa_t page)
{
	u32 index = page_index(s, page);

	if (index == NO_INDEX)
		return;
	while (s->rmap[index] != NO_INDEX) {
		u32 leaf = node_at(s, s->rmap[index])->leaf;
		struct table *t = &s->table[leaf / 512];

		shadow_leaf_clear(s, t, leaf % 512);
		shadow_tlb_flush_leaf(s, t, leaf % 512);
	}
	shadow_flush_stale(s);
}

bool shadow_clean_bit(const struct shadow *s, gpa_t page)
{
	u32 i = page_index(s, page);

	return i != NO_INDEX && (s->clean[i / 8] >> (i & 7) & 1);
}
