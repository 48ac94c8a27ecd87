/* SPDX-License-Identifier: MIT */
/*
 * Blocks of translated code and everything that leads to them.
 *
 *   1. Memory: blocks, sites and edges come from an arena that is emptied only as a whole, together
 *      with the code cache.
 *   2. Finding: by (guest-physical address, EIP, mode) in a hash; by linear EIP in the look-up
 *      table, which translated code reads itself.
 *   3. Links: an edge jumps through a slot, which holds its own stub's address until the target is
 *      known. A slot that leads to another page is cut when the mapping changes.
 *   4. Guest pages: each has a list of its blocks. A write drops the blocks that it hits. A page
 *      that is written often is data for a while. A page where code and data mix (mixed.c) has
 *      blocks that check their own source bytes.
 *   5. Slow sites: instructions that met device memory or a watched page. They are translated anew
 *      with a call of C inline, and once more without when that turns out to be in vain.
 *
 * A dead block keeps its memory until the next flush, since the running code may be its own.
 */
#include "emu/block/block.h"
#include "emu/block/mixed.h"

#include "emu/mem/gpmem.h"
#include "kernel/base/count.h"
#include "kernel/base/string.h"

/* A trap costs as much as ten calls; most instructions that meet a watched page meet others later.
 */
#define SLOW_ENOUGH 16u
/* Of those that were in vain: a loop that fills memory has met a page of code. */
#define PLAIN_ENOUGH 64u
#define TRAP_COSTS   10u /* calls */
/*
 * Matches nothing: tag + EIP is neither 0 nor 2^64, also while the tag is the impossible one. (1 is
 * wrong: -1 is the impossible tag with EIP FFFFFFFFh.)
 */
#define NO_ENTRY ((struct lookup_entry){ .minus_tag = 0 })

void *block_alloc(struct recomp *r, size_t size)
{
	u32 need = (u32)ALIGN_UP(size, (size_t)8);
	void *p = r->arena + r->arena_next;

	if (need > r->arena_size - r->arena_next) {
		r->flush_wanted = true;
		return NULL;
	}
	r->arena_next += need;
	memset(p, 0, need);
	return p;
}

static u32 hash_of(gpa_t gpa, u32 eip, u32 key)
{
	return ((u32)gpa * 0x9e3779b1u ^ (eip >> 12) * 0x85ebca6bu ^ key * 31u) >> 16 &
	       (BLOCK_HASH - 1);
}

static struct page_blocks **page_slot(struct recomp *r, gpa_t page)
{
	struct page_blocks **p = &r->page_hash[(page >> PAGE_SHIFT) % ARRAY_SIZE(r->page_hash)];

	while (*p && (*p)->page != page)
		p = &(*p)->next;
	return p;
}

const struct insn_map *block_insn(const struct insn_map *map, unsigned insns, u32 guest)
{
	unsigned lo = 0, hi = insns;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (map[mid].guest == guest)
			return &map[mid];
		if (map[mid].guest > guest)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

int block_boundary(const struct insn_map *map, unsigned insns, u32 guest)
{
	const struct insn_map *at = block_insn(map, insns, guest);

	return at && !at->inner ? at->host : -1;
}

static struct entry *add_entry(struct recomp *r, struct block *b, u32 eip, u32 code)
{
	struct entry *e = block_alloc(r, sizeof(*e));
	u32 h = hash_of(b->gpa[0] + (eip - b->eip), eip, b->key);

	if (!e)
		return NULL;
	*e = (struct entry){ r->hash[h], b, eip, code };
	r->hash[h] = e;
	return e;
}

static bool holds(const struct recomp *r, const struct block *b, gpa_t gpa, u32 eip, u32 key)
{
	const struct cpu_segment *cs = &r->cpu->seg[SEG_CS];
	u64 at = gpa - b->gpa[0];

	return at < b->len && at == eip - b->eip && !b->dead && b->key == key &&
	       b->base == cs->base && b->limit == cs->limit;
}

/* An instruction in the middle of a block: found by its page once, and by the hash from then on. */
static struct entry *find_inside(struct recomp *r, gpa_t gpa, u32 eip, u32 key)
{
	struct page_blocks *p = *page_slot(r, gpa & PAGE_MASK);
	struct block *b = p ? p->blocks : NULL;

	while (b) {
		int n = (b->gpa[0] & PAGE_MASK) == p->page ? 0 : 1, host = -1;

		if (n == 0 && holds(r, b, gpa, eip, key) && !b->check_len)
			host = block_boundary(b->map, b->insns, eip - b->eip);
		if (host >= 0)
			return add_entry(r, b, eip, b->code + (u32)host);
		b = b->page_next[n];
	}
	return NULL;
}

struct entry *block_find(struct recomp *r, gpa_t gpa, u32 eip, u32 key)
{
	struct entry **p = &r->hash[hash_of(gpa, eip, key)];

	while (*p) {
		struct entry *e = *p;

		if (e->block->dead) {
			*p = e->next;
			continue;
		}
		if (e->eip == eip && holds(r, e->block, gpa, eip, key))
			return e;
		p = &e->next;
	}
	return key & (KEY_TF | KEY_SLOW) ? NULL : find_inside(r, gpa, eip, key);
}

/* Of the arena, as all that comes with blocks: a full one is emptied, and there is room. */
static struct page_blocks *page_blocks_new(struct recomp *r, gpa_t page)
{
	struct page_blocks *p = r->page_blocks_free;

	if (p)
		r->page_blocks_free = p->next;
	else
		p = block_alloc(r, sizeof(*p));
	if (p)
		*p = (struct page_blocks){ .page = page };
	return p;
}

static bool insert_page(struct recomp *r, struct block *b, int n)
{
	gpa_t page = b->gpa[n] & PAGE_MASK;
	struct page_blocks **p;

	if (block_page_mixed(r, page))
		return true; /* it checks itself */
	p = page_slot(r, page);
	if (!*p) {
		*p = page_blocks_new(r, page);
		if (!*p)
			return false;
	}
	b->page_next[n] = (*p)->blocks;
	(*p)->blocks = b;
	gpmem_watch(r->cpu->mem, page, GPMEM_WATCH_CODE);
	return true;
}

static u32 *linear_chain(struct recomp *r, gla_t gla)
{
	return &r->linear[(gla >> PAGE_SHIFT) % ARRAY_SIZE(r->linear)];
}

struct entry *block_insert(struct recomp *r, struct block *b)
{
	if (!insert_page(r, b, 0) || (b->gpa[1] != ~0ull && !insert_page(r, b, 1)))
		return NULL;
	b->linear_next = *linear_chain(r, b->base + b->eip);
	*linear_chain(r, b->base + b->eip) = (u32)(b - r->block) + 1;
	return add_entry(r, b, b->eip, b->code);
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

void block_hold_events(struct recomp *r, u64 code)
{
	u32 offset = (u32)(code - (u64)r->cfg.cache_rx);
	const struct block *b = block_at(r, offset);
	struct insn_map *at = b ? b->map : NULL;

	for (unsigned i = 0; at && i < b->insns; i++)
		if (at[i].host == offset - b->code) {
			at[i].shadow = true;
			break;
		}
	r->held = r->cpu->eip;
}

/* --- Slots --- */

u64 *slot_word(const struct recomp *r, u32 slot)
{
	return (u64 *)(void *)(r->cfg.cache_rw + r->slot_start) + slot;
}

u64 slot_address(const struct recomp *r, u32 slot)
{
	return (u64)r->cfg.cache_rx + r->slot_start + slot * sizeof(u64);
}

u32 slot_new(struct recomp *r, u32 stub)
{
	u32 n = r->slots;

	if (n == r->slot_max) {
		r->flush_wanted = true;
		return SLOT_NONE;
	}
	r->slots++;
	r->slot[n] = (struct slot){ SLOT_NONE, SLOT_NONE, stub, 0 };
	*slot_word(r, n) = (u64)r->cfg.cache_rx + stub;
	return n;
}

static void unlink_slot(struct recomp *r, u32 n)
{
	struct slot *s = &r->slot[n];

	if (!s->target)
		return;
	if (s->prev == SLOT_NONE)
		r->block[(s->target & ~SLOT_CROSSES) - 1].incoming = s->next;
	else
		r->slot[s->prev].next = s->next;
	if (s->next != SLOT_NONE)
		r->slot[s->next].prev = s->prev;
	s->target = 0;
	*slot_word(r, n) = (u64)r->cfg.cache_rx + s->stub;
}

void slot_link(struct recomp *r, u32 n, const struct entry *e, bool crosses)
{
	struct slot *s = &r->slot[n];
	struct block *b = e->block;
	bool cpl3 = b->key & KEY_CPL3;

	unlink_slot(r, n);
	if (crosses && r->crosses[cpl3] == CROSS_MAX)
		slot_cut_crossing(r, cpl3);
	if (crosses)
		r->cross[cpl3][r->crosses[cpl3]++] = n;
	s->target = ((u32)(b - r->block) + 1) | (crosses ? SLOT_CROSSES : 0);
	s->prev = SLOT_NONE;
	s->next = b->incoming;
	if (s->next != SLOT_NONE)
		r->slot[s->next].prev = n;
	b->incoming = n;
	*slot_word(r, n) = (u64)r->cfg.cache_rx + e->code;
	COUNT(r->stats.patches);
}

void slot_cut_crossing(struct recomp *r, bool cpl3)
{
	for (u32 i = 0; i < r->crosses[cpl3]; i++)
		if (r->slot[r->cross[cpl3][i]].target & SLOT_CROSSES)
			unlink_slot(r, r->cross[cpl3][i]);
	r->crosses[cpl3] = 0;
}

/* --- The end of blocks --- */

static void isolate(struct recomp *r, struct block *b)
{
	u64 code = (u64)r->cfg.cache_rx + b->code;

	for (unsigned i = 0; i < b->insns; i++) {
		struct lookup_entry *l = &r->lookup[(b->eip + b->map[i].guest) & 0xffff];

		if (l->code - code < b->code_len)
			*l = NO_ENTRY;
	}
	while (b->incoming != SLOT_NONE)
		unlink_slot(r, b->incoming);
}

void block_drop(struct recomp *r, struct block *b)
{
	if (b->dead)
		return;
	b->dead = true;
	isolate(r, b);
	COUNT(r->stats.blocks_evicted);
}

void block_isolate_page(struct recomp *r, gla_t page)
{
	for (u32 n = *linear_chain(r, page); n; n = r->block[n - 1].linear_next) {
		struct block *b = &r->block[n - 1];

		if (!b->dead && ((b->base + b->eip) ^ page) < PAGE_SIZE)
			isolate(r, b);
	}
}

void block_fill_lookup(struct recomp *r, u32 eip, u32 code)
{
	u32 at = eip % LOOKUP_ENTRIES, group = at / LOOKUP_GROUP;

	r->lookup[at] = (struct lookup_entry){ -(r->tag + eip), (u64)r->cfg.cache_rx + code };
	r->lookup_used[group / 64] |= 1ull << group % 64;
}

void block_clear_lookup(struct recomp *r)
{
	for (u32 group = 0; group < LOOKUP_ENTRIES / LOOKUP_GROUP; group++)
		if (r->lookup_used[group / 64] >> group % 64 & 1)
			memset(&r->lookup[group * LOOKUP_GROUP], 0, /* NO_ENTRY each */
			       LOOKUP_GROUP * sizeof(*r->lookup));
	memset(r->lookup_used, 0, sizeof(r->lookup_used));
}

void block_drop_all(struct recomp *r)
{
	cpu_own_fpu_pointers(r->cpu); /* they may lead into code that goes */
	for (unsigned i = 0; i < ARRAY_SIZE(r->page_hash); i++) {
		while (r->page_hash[i]) {
			struct page_blocks *p = r->page_hash[i];

			r->page_hash[i] = p->next;
			gpmem_unwatch(r->cpu->mem, p->page, GPMEM_WATCH_CODE);
		}
	}
	r->page_blocks_free = NULL;
	memset(r->hash, 0, sizeof(r->hash));
	memset(r->linear, 0, sizeof(r->linear));
	memset(r->fence, 0, sizeof(r->fence));
	memset(r->plain_loop, 0, sizeof(r->plain_loop));
	block_clear_lookup(r);
	r->blocks = 0;
	r->arena_next = 8; /* a site is never 0 */
	r->slots = 0;
	r->crosses[0] = r->crosses[1] = 0;
	r->code_next = r->code_start;
	memset(r->data_page, 0, sizeof(r->data_page));
	memset(r->write_note, 0, sizeof(r->write_note));
	r->flush_wanted = false;
	r->stats.cache_flushes++;
}

/* The note on this instruction among the four of its set; the least of them if there is none. */
static struct slow_note *slow_note(struct recomp *r, gla_t gla)
{
	struct slow_note *set = r->slow[(gla ^ gla >> 10) % ARRAY_SIZE(r->slow)], *least = set;

	for (unsigned i = 0; i < ARRAY_SIZE(r->slow[0]); i++) {
		if (set[i].count && set[i].gla == gla)
			return &set[i];
		if (set[i].count < least->count)
			least = &set[i];
	}
	return least;
}

/* The bit that tells of a page whether there ever was a slow instruction. */
static u64 *slow_page(struct recomp *r, gla_t gla, u64 *bit)
{
	u32 n = (gla >> PAGE_SHIFT) % (64 * ARRAY_SIZE(r->slow_pages));

	*bit = 1ull << (n % 64);
	return &r->slow_pages[n / 64];
}

bool block_page_has_slow(struct recomp *r, gla_t gla)
{
	u64 bit;

	return *slow_page(r, gla, &bit) & bit;
}

bool block_is_slow(struct recomp *r, gla_t gla)
{
	const struct slow_note *n = slow_note(r, gla);

	return n->gla == gla && n->count >= SLOW_ENOUGH;
}

bool block_note_slow(struct recomp *r, gla_t gla)
{
	struct slow_note *n = slow_note(r, gla);
	u64 *page, bit;

	if (n->gla != gla)
		*n = (struct slow_note){ .gla = gla };
	if (n->count < SLOW_ENOUGH)
		n->count++;
	if (n->count < SLOW_ENOUGH)
		return false;
	page = slow_page(r, gla, &bit);
	*page |= bit;
	return true;
}

/* They begin on the page of the instruction. */
void block_drop_holding(struct recomp *r, gla_t gla)
{
	for (u32 n = *linear_chain(r, gla); n; n = r->block[n - 1].linear_next) {
		struct block *b = &r->block[n - 1];

		if (!b->dead && gla - (b->base + b->eip) < b->len)
			block_drop(r, b);
	}
	r->code_changed = true;
}

void block_drop_cut(struct recomp *r, gla_t gla)
{
	for (u32 n = *linear_chain(r, gla); n; n = r->block[n - 1].linear_next) {
		struct block *b = &r->block[n - 1];

		if (!b->dead && b->cut && ((b->base + b->eip) ^ gla) < PAGE_SIZE)
			block_drop(r, b);
	}
	r->code_changed = true;
}

/* All is as if no instruction had been seen to need C: whoever writes to a page that became mixed
 * shall do so inline again. */
static void forget_slow(struct recomp *r)
{
	struct slow_note *n = r->slow[0];

	for (unsigned i = 0; i < sizeof(r->slow) / sizeof(*n); i++)
		if (n[i].count >= SLOW_ENOUGH)
			block_drop_holding(r, n[i].gla);
	memset(r->slow, 0, sizeof(r->slow));
	memset(r->slow_pages, 0, sizeof(r->slow_pages));
}

bool block_note_plain(struct recomp *r, gla_t gla, bool plain)
{
	struct slow_note *n = slow_note(r, gla);

	if (n->gla != gla || n->count < SLOW_ENOUGH)
		return false;
	if (!plain) {
		n->plain = (u16)(n->plain - MIN(n->plain, TRAP_COSTS));
		return false;
	}
	if (++n->plain < PLAIN_ENOUGH)
		return false;
	*n = (struct slow_note){ 0 };
	block_drop_holding(r, gla);
	return true;
}

/* Drops the blocks of the page that hold any of these bytes, or all. False: some are left. */
static bool drop_written(struct recomp *r, struct page_blocks *p, gpa_t gpa, u32 len, bool all)
{
	bool any = false;

	for (struct block *b = p->blocks, *next; b; b = next) {
		int n = (b->gpa[0] & PAGE_MASK) == p->page ? 0 : 1;
		gpa_t start = n == 0 ? b->gpa[0] : b->gpa[1];
		gpa_t end = n == 0 ? b->gpa[0] + b->len : b->gpa[1] + b->len;

		next = b->page_next[n];
		if (b->dead)
			continue;
		if (!all && (gpa >= end || gpa + len <= start)) {
			any = true;
			continue;
		}
		block_drop(r, b);
		COUNT(r->stats.smc_blocks);
		r->code_changed = true;
	}
	return !any;
}

/* After many writes the page is data for now: all its blocks go, and it is free until it is
 * executed again. Or it is mixed from now on, and free for good. */
void block_written(struct recomp *r, gpa_t gpa, u32 len)
{
	struct page_blocks **pp = page_slot(r, gpa & PAGE_MASK), *p = *pp;
	bool data, mixed;

	if (!p)
		return;
	COUNT(r->stats.smc_writes);
	data = ++p->hits >= PAGE_IS_DATA;
	mixed = block_note_write(r, gpa);
	if (!drop_written(r, p, gpa, len, data || mixed))
		return;
	if ((data && block_note_data(r, p->page)) || mixed) {
		block_mix_page(r, p->page);
		forget_slow(r);
	}
	*pp = p->next;
	gpmem_unwatch(r->cpu->mem, p->page, GPMEM_WATCH_CODE);
	p->next = r->page_blocks_free;
	r->page_blocks_free = p;
}

/* --- The end of it all --- */

void recomp_fail(struct recomp *r, const char *why)
{
	r->failed = true;
	cpu_kill(r->cpu, why);
}
