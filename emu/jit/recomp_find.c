/* SPDX-License-Identifier: MIT */
/*
 * From the CPU's state to translated code: the look-up table, the page tables and the blocks, the
 * translator; and the slots by which one block leads to the next, so that the same way is not
 * searched again.
 */
#include "emu/jit/recomp_find.h"
#include "emu/cpu/operand.h"

#include "emu/block/block.h"
#include "emu/cpu/semantics.h"
#include "emu/trans/translate.h"
#include "kernel/base/count.h"

static bool second_page_same(struct cpu *cpu, const struct block *b, unsigned access)
{
	struct pagewalk w;

	return b->gpa[1] == ~0ull ||
	       (!cpu_probe(cpu, ((b->base + b->eip) | (PAGE_SIZE - 1)) + 1, access, &w) &&
		(w.gpa & PAGE_MASK) == b->gpa[1]);
}

/* Is the way from a block to an entry good only as long as the linear mapping is the same? */
static bool crosses(const struct block *from, const struct entry *to)
{
	return ((from->base + from->eip) ^ (to->block->base + to->eip)) >= PAGE_SIZE ||
	       ((from->gpa[0] ^ to->block->gpa[0]) & PAGE_MASK) != 0 || to->block->gpa[1] != ~0ull;
}

/* Where calls of a new block return to is known already; they take free entries only. */
static void expect_returns(struct recomp *r, const struct block *b, const struct trans *t)
{
	for (unsigned i = 0; i < t->returns; i++) {
		u32 eip = t->return_eip[i];
		const struct lookup_entry *l = &r->lookup[eip & 0xffff];
		int host = block_boundary(b->map, b->insns, eip - b->eip);

		if (host >= 0 && !l->minus_tag)
			block_fill_lookup(r, eip, b->code + (u32)host);
	}
}

/*
 * The entry at another EIP, if it is known without looking at the page tables: on b's page, or by
 * the look-up table. Not one that reaches to a second page: whether that page is still mapped there
 * is not known, and its mapping need not be watched yet.
 */
static bool known_entry(struct recomp *r, const struct block *b, u32 eip, struct entry *out)
{
	u32 from = b->base + b->eip, to = b->base + eip;
	const struct lookup_entry *l = &r->lookup[eip & 0xffff];
	const struct entry *e = NULL;

	if (((from ^ to) & ~(PAGE_SIZE - 1)) == 0)
		e = block_find(r, (b->gpa[0] & PAGE_MASK) + (to & (PAGE_SIZE - 1)), eip, b->key);
	if (e && e->block->gpa[1] == ~0ull)
		*out = *e;
	else if (l->minus_tag + r->tag + eip == 0)
		*out = (struct entry){ .block = block_at(r, (u32)(l->code - (u64)r->cfg.cache_rx)),
				       .eip = eip,
				       .code = (u32)(l->code - (u64)r->cfg.cache_rx) };
	else
		return false;
	return out->block && !out->block->dead;
}

/* Edges of a new block whose targets are translated already: no need to come to the dispatcher. */
static void link_known(struct recomp *r, struct block *b)
{
	for (unsigned i = 0; i < b->edges; i++) {
		struct entry e;

		if (known_entry(r, b, b->edge[i].target, &e))
			slot_link(r, b->edge[i].slot, &e, crosses(b, &e));
	}
}

/* Once with the cache as it is, once with an empty one, and once after that has freed its
 * memory. */
#define TRIES 3u

static struct entry *translate(struct recomp *r, u32 key)
{
	struct trans *t = &r->trans;

	for (unsigned n = 0; n < TRIES; n++) {
		struct block *b;
		struct entry *e = NULL;

		if (r->flush_wanted || r->blocks == r->block_max ||
		    r->code_next + EMIT_BUFFER > r->slot_start)
			block_drop_all(r);
		b = translate_block(t, r, key);
		if (!b || r->failed)
			return NULL;
		if (!r->flush_wanted)
			e = block_insert(r, b);
		if (e)
			return e;
	}
	recomp_fail(r, "no memory for translated code");
	return NULL;
}

static struct entry *current_entry(struct recomp *r, u32 key)
{
	struct cpu *cpu = r->cpu;
	gla_t gla = cpu->seg[SEG_CS].base + cpu->eip;
	unsigned access = ACCESS_EXEC | cpu_user_access(cpu);
	const struct softtlb_entry *page;
	struct entry *e;
	bool new = false;

	if (r->flush_wanted)
		block_drop_all(r);
	if (cpu->eip > cpu->seg[SEG_CS].limit) {
		cpu_raise(cpu, VEC_GP, 0);
		return NULL;
	}
	page = cpu_translate(cpu, gla, access);
	if (!page)
		return NULL;
	e = block_find(r, page->gpa | (gla & (PAGE_SIZE - 1)), cpu->eip, key);
	if (!e || !second_page_same(cpu, e->block, access)) {
		e = translate(r, key);
		new = true;
	}
	if (!e)
		return NULL;
	if (key & (KEY_TF | KEY_SLOW))
		return e;
	r->direct = cpu_env(cpu)->code_found(cpu, gla);
	if (e->block->gpa[1] != ~0ull)
		cpu_env(cpu)->code_found(cpu, (gla | (PAGE_SIZE - 1)) + 1);
	if (!r->direct)
		return e;
	block_fill_lookup(r, e->eip, e->code);
	if (new) {
		expect_returns(r, e->block, &r->trans);
		link_known(r, e->block);
	}
	return e;
}

static struct edge *edge_at(const struct block *b, u32 offset)
{
	for (unsigned i = 0; i < b->edges; i++)
		if (b->edge[i].host == offset - b->code)
			return &b->edge[i];
	return NULL;
}

u32 recomp_edge_target(struct recomp *r, u32 offset)
{
	const struct block *from = block_at(r, offset - 1);
	const struct edge *edge = from ? edge_at(from, offset) : NULL;

	if (edge)
		return edge->target;
	recomp_fail(r, "translated code was left by no edge"); /* a bug of ours */
	return r->cpu->eip;
}

/*
 * Translated code came out by the edge whose stub ends at this offset, and goes on at e. An event
 * taken in between goes elsewhere than the edge does.
 */
static void link_edge(struct recomp *r, u32 offset, const struct entry *e)
{
	const struct block *to = e->block, *from = block_at(r, offset - 1);
	const struct edge *edge = from ? edge_at(from, offset) : NULL;

	if (!edge || edge->target != e->eip || from->dead || from->key != to->key ||
	    from->base != to->base || from->limit != to->limit)
		return;
	if (r->direct || !crosses(from, e))
		slot_link(r, edge->slot, e, crosses(from, e));
}

u64 recomp_find_code_anew(struct recomp *r, u32 key, u32 edge)
{
	u64 flushes = r->stats.cache_flushes;
	const struct entry *e;

	cpu_env(r->cpu)->code_runs(r->cpu, false);
	COUNT(r->stats.lookup_misses);
	e = current_entry(r, key);
	if (!e)
		return 0;
	if (edge != SLOT_NONE && r->stats.cache_flushes == flushes && key == r->edge_key &&
	    !(key & (KEY_TF | KEY_SLOW)))
		link_edge(r, edge, e);
	return (u64)r->cfg.cache_rx + e->code;
}
