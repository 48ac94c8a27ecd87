/* SPDX-License-Identifier: MIT */
#include "emu/cpu/block.h"

#include "emu/mem/gpmem.h"
#include "kernel/base/alloc.h"
#include "kernel/base/string.h"

static u32 hash_of(gpa_t gpa, u32 eip, u32 key)
{
	return (u32)((gpa * 0x9e3779b1u) ^ (eip >> 12) ^ key * 31u) % BLOCK_HASH;
}

static struct page_blocks **page_slot(struct recomp *r, gpa_t page)
{
	struct page_blocks **p = &r->page_hash[(page >> PAGE_SHIFT) % ARRAY_SIZE(r->page_hash)];

	while (*p && (*p)->page != page)
		p = &(*p)->next;
	return p;
}

struct block *block_find(struct recomp *r, gpa_t gpa, u32 eip, u32 key)
{
	struct block *b = r->hash[hash_of(gpa, eip, key)];

	while (b && (b->gpa[0] != gpa || b->eip != eip || b->key != key || b->dead))
		b = b->hash_next;
	return b;
}

static void insert_page(struct recomp *r, struct block *b, int n)
{
	gpa_t page = b->gpa[n] & PAGE_MASK;
	struct page_blocks **p = page_slot(r, page);

	if (!*p) {
		*p = mem_alloc(sizeof(**p));
		if (!*p) {
			r->flush_wanted = true;
			return;
		}
		(*p)->page = page;
	}
	b->page_next[n] = (*p)->blocks;
	(*p)->blocks = b;
	gpmem_watch(r->cpu->mem, page, GPMEM_WATCH_CODE);
}

void block_insert(struct recomp *r, struct block *b)
{
	u32 h = hash_of(b->gpa[0], b->eip, b->key);

	b->hash_next = r->hash[h];
	r->hash[h] = b;
	insert_page(r, b, 0);
	if (b->gpa[1] != ~0ull)
		insert_page(r, b, 1);
}

struct block *block_at(struct recomp *r, u32 offset)
{
	u32 lo = 0, hi = r->blocks;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (r->block[mid].code > offset)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (!lo || offset >= r->block[lo - 1].code + r->block[lo - 1].code_len)
		return NULL;
	return &r->block[lo - 1];
}

/* Slots that lead to b lead to their own stub again: it lies right behind the jump, so the slot's
 * block knows. */
static void unlink_slots(struct recomp *r, struct block *b)
{
	u64 code = (u64)r->cfg.cache_rx + b->code;

	for (u32 s = r->slot_next; s < r->slot_end; s += 16) {
		u64 *slot = (u64 *)(void *)(r->cfg.cache_rw + s);

		if (slot[0] == code)
			slot[0] = slot[1];
	}
}

void block_drop(struct recomp *r, struct block *b)
{
	struct lookup_entry *l = &r->lookup[b->eip & 0xffff];

	if (b->dead)
		return;
	b->dead = true;
	if (l->code == (u64)r->cfg.cache_rx + b->code)
		*l = (struct lookup_entry){ .minus_tag = 1 };
	unlink_slots(r, b);
	r->stats.blocks_evicted++;
}

void block_drop_all(struct recomp *r)
{
	for (u32 i = 0; i < r->blocks; i++)
		mem_free(r->block[i].map);
	for (unsigned i = 0; i < ARRAY_SIZE(r->page_hash); i++) {
		while (r->page_hash[i]) {
			struct page_blocks *p = r->page_hash[i];

			r->page_hash[i] = p->next;
			gpmem_unwatch(r->cpu->mem, p->page, GPMEM_WATCH_CODE);
			mem_free(p);
		}
	}
	memset(r->hash, 0, sizeof(r->hash));
	for (u32 i = 0; i < LOOKUP_ENTRIES; i++)
		r->lookup[i] = (struct lookup_entry){ .minus_tag = 1 };
	r->blocks = 0;
	r->sites = 0;
	r->code_next = r->code_start;
	r->slot_next = r->slot_end;
	r->flush_wanted = false;
	r->stats.cache_flushes++;
}

bool block_is_slow(const struct recomp *r, gla_t gla)
{
	return r->slow_gla[gla % ARRAY_SIZE(r->slow_gla)] == gla && gla;
}

void block_note_slow(struct recomp *r, gla_t gla)
{
	r->slow_gla[gla % ARRAY_SIZE(r->slow_gla)] = gla;
}

void recomp_written(struct recomp *r, gpa_t gpa, u32 len)
{
	struct page_blocks **pp = page_slot(r, gpa & PAGE_MASK), *p = *pp;
	bool any = false;

	if (!p)
		return;
	r->stats.smc_writes++;
	p->hits++;
	/* After a few writes the page is data for now: all its blocks go, and it is free until it
	 * is executed again. */
	for (struct block *b = p->blocks, *next; b; b = next) {
		int n = (b->gpa[0] & PAGE_MASK) == p->page ? 0 : 1;
		gpa_t start = n == 0 ? b->gpa[0] : b->gpa[1];
		gpa_t end = n == 0 ? b->gpa[0] + b->len : b->gpa[1] + b->len;

		next = b->page_next[n];
		if (b->dead)
			continue;
		if (p->hits < 4 && (gpa >= end || gpa + len <= start)) {
			any = true;
			continue;
		}
		block_drop(r, b);
		r->stats.smc_blocks++;
		r->code_changed = true;
	}
	if (any)
		return;
	*pp = p->next;
	gpmem_unwatch(r->cpu->mem, p->page, GPMEM_WATCH_CODE);
	mem_free(p);
}
