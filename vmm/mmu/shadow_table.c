/* SPDX-License-Identifier: MIT */
/*
 * Host page tables, their leaves, and the reverse map.
 */
#include "kernel/base/string.h"
#include "kernel/base/count.h"
#include "vmm/mmu/shadow_internal.h"

_Static_assert(512 * sizeof(struct leaf) == PAGE_SIZE, "a table has one page of them");
_Static_assert(TABLE_MAX * 512 <= LIST_FIRST, "numbers of leaves leave this bit alone");

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

struct table *shadow_table_find(struct shadow *s, gpa_t source, u32 role)
{
	struct table *t = shadow_table_first(s, source);

	while (t && (t->source != source || t->role != role))
		t = shadow_table_next(s, t);
	return t;
}

static struct leaf *leaf_at(const struct shadow *s, u32 leaf)
{
	return &s->table[leaf / 512].leaf[leaf % 512];
}

struct table *shadow_table_make(struct shadow *s, gpa_t source, u32 role)
{
	u32 i, h = hash_of(source);
	void *host, *leaf;

	if (s->free_table == NO_INDEX && s->tables == s->table_max)
		return NULL;
	host = s->host.page_alloc(s->host.ctx);
	leaf = host ? s->host.page_alloc(s->host.ctx) : NULL;
	if (!leaf) {
		if (host)
			s->host.page_free(s->host.ctx, host);
		return NULL;
	}
	i = s->free_table;
	if (i == NO_INDEX)
		i = s->tables++;
	else
		s->free_table = s->table[i].next;
	s->table[i] = (struct table){
		.host = host, .leaf = leaf, .source = source, .role = role, .next = s->hash[h]
	};
	s->hash[h] = i;
	COUNT(s->stats.tables_created);
	s->stats.pages_used += 2;
	if ((role & ROLE_PAGING) && !(role & ROLE_LARGE))
		gpmem_watch(s->cpu->mem, source & PAGE_MASK, GPMEM_WATCH_TABLE);
	return &s->table[i];
}

void shadow_table_doom(struct shadow *s, struct table *t)
{
	u32 i = (u32)(t - s->table), *link = &s->hash[hash_of(t->source)];

	while (*link != i)
		link = &s->table[*link].next;
	*link = t->next;
	t->doomed = true;
	t->next = s->doomed_table;
	s->doomed_table = i;
}

void shadow_table_free(struct shadow *s, struct table *t)
{
	for (unsigned w = 0; w < ARRAY_SIZE(t->present); w++)
		while (t->present[w])
			shadow_leaf_clear(s, t, w * 64 + (u32)__builtin_ctzll(t->present[w]));
	s->host.page_free(s->host.ctx, t->host);
	s->host.page_free(s->host.ctx, t->leaf);
	t->host = NULL;
	t->next = s->free_table;
	s->free_table = (u32)(t - s->table);
	COUNT(s->stats.tables_flushed);
	s->stats.pages_used -= 2;
}

/* --- Leaves, and the lists of those that map one page */

static u32 page_index(const struct shadow *s, gpa_t page)
{
	u64 i = page >> PAGE_SHIFT;
	const struct gpmem_region *r;

	if (i < s->ram_pages)
		return (u32)i;
	r = gpmem_find(s->cpu->mem, page);
	return r && r->window ? s->ram_pages + r->number + (u32)(i - (r->start >> PAGE_SHIFT))
			      : NO_INDEX;
}

static void list_add(struct shadow *s, u32 page, u32 leaf)
{
	u32 first = s->rmap[page];

	*leaf_at(s, leaf) = (struct leaf){ first, LIST_FIRST | page };
	if (first != NO_INDEX)
		leaf_at(s, first)->prev = leaf;
	s->rmap[page] = leaf;
	s->added[page]++;
}

static void list_remove(struct shadow *s, u32 leaf)
{
	const struct leaf *l = leaf_at(s, leaf);

	if (l->prev == NO_INDEX)
		return;
	if (l->next != NO_INDEX)
		leaf_at(s, l->next)->prev = l->prev;
	if (!(l->prev & LIST_FIRST)) {
		leaf_at(s, l->prev)->next = l->next;
		return;
	}
	s->rmap[l->prev & ~LIST_FIRST] = l->next;
	if (l->next == NO_INDEX)
		s->added[l->prev & ~LIST_FIRST] = 0;
}

void shadow_leaf_clear(struct shadow *s, struct table *t, unsigned i)
{
	if (!(t->host[i] & PTE_P))
		return;
	t->host[i] = 0;
	t->present[i / 64] &= ~BIT64(i & 63);
	t->leaves--;
	list_remove(s, (u32)(t - s->table) * 512 + i);
}

/* The fault made the processor forget the address that faulted, but not others that lead to the
 * leaf: above 4 GiB, or in another region. */
static void flush_everywhere(struct shadow *s, const struct table *t, unsigned i)
{
	struct tlb_flush f = { 0 };

	shadow_tlb_flush_leaf(s, t, i, &f);
	shadow_tlb_flush_end(s, &f);
}

void shadow_leaf_set(struct shadow *s, struct table *t, unsigned i, u64 value, gpa_t page)
{
	u32 index = page_index(s, page);

	if (t->host[i] & PTE_P) {
		u64 old = t->host[i];

		if ((old & PTE_FRAME) == (value & PTE_FRAME)) {
			t->host[i] = value; /* other rights for the same page */
			if (old & ~value & PTE_W)
				flush_everywhere(s, t, i);
			return;
		}
		shadow_leaf_clear(s, t, i);
	}
	if (index == NO_INDEX) {
		t->leaf[i].prev = NO_INDEX;
	} else {
		if (s->added[index] >= LIST_MAX)
			shadow_page_refill(s, page);
		list_add(s, index, (u32)(t - s->table) * 512 + i);
	}
	t->host[i] = value;
	t->present[i / 64] |= BIT64(i & 63);
	t->leaves++;
}

void shadow_page_restrict(struct shadow *s, gpa_t page, u64 clear, u64 set)
{
	u32 index = page_index(s, page);
	struct tlb_flush f = { 0 };

	if (index == NO_INDEX)
		return;
	for (u32 n = s->rmap[index]; n != NO_INDEX; n = leaf_at(s, n)->next) {
		struct table *t = &s->table[n / 512];
		u64 old = t->host[n % 512], now = (old & ~clear) | set;

		if (now == old)
			continue;
		t->host[n % 512] = now;
		shadow_tlb_flush_leaf(s, t, n % 512, &f);
	}
	shadow_tlb_flush_end(s, &f);
	shadow_flush_stale(s);
}

void shadow_page_release(struct shadow *s, gpa_t page)
{
	u32 index = page_index(s, page);
	struct tlb_flush f = { 0 };

	if (index == NO_INDEX)
		return;
	for (u32 n = s->rmap[index]; n != NO_INDEX; n = leaf_at(s, n)->next) {
		struct table *t = &s->table[n / 512];
		u64 *leaf = &t->host[n % 512];

		if ((*leaf & (PTE_MAY_WRITE | PTE_W)) != PTE_MAY_WRITE)
			continue;
		*leaf |= PTE_W | PTE_D;
		/* Or it faults once more, which costs fifty times as much. */
		shadow_tlb_flush_leaf(s, t, n % 512, &f);
	}
	shadow_tlb_flush_end(s, &f);
}

void shadow_page_refill(struct shadow *s, gpa_t page)
{
	u32 index = page_index(s, page);
	struct tlb_flush f = { 0 };

	if (index == NO_INDEX)
		return;
	while (s->rmap[index] != NO_INDEX) {
		u32 n = s->rmap[index];
		struct table *t = &s->table[n / 512];

		shadow_leaf_clear(s, t, n % 512);
		shadow_tlb_flush_leaf(s, t, n % 512, &f);
	}
	shadow_tlb_flush_end(s, &f);
	shadow_flush_stale(s);
}

void shadow_pages_refill(struct shadow *s, gpa_t first, u32 pages)
{
	u32 index = page_index(s, first);

	for (u32 i = 0; index != NO_INDEX && i < pages; i++)
		if (s->rmap[index + i] != NO_INDEX)
			shadow_page_refill(s, first + i * PAGE_SIZE);
}

bool shadow_clean_bit(const struct shadow *s, gpa_t page)
{
	u64 i = page >> PAGE_SHIFT;

	return i < s->ram_pages && (s->clean[i / 8] >> (i & 7) & 1);
}
