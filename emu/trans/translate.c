/* SPDX-License-Identifier: MIT */
/*
 * One block: fetch, decode, translate instruction by instruction. It goes on behind conditional
 * jumps and calls, and behind anything else if one of its own jumps leads there, until control has
 * left, the page ends, or the mode may change.
 */
#include "emu/trans/translate.h"

#include "emu/block/block.h"
#include "emu/block/mixed.h"
#include "emu/cpu/stops.h"
#include "emu/trans/trans.h"
#include "emu/verify/verify.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/count.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

static void undecoded(struct trans *t, unsigned op)
{
	t->b->cut |= op == OP_SLOW_FETCH;
	t->in = (ZydisDecodedInstruction){ .length = (u8)MAX(t->have, 1u),
					   .operand_width = 32,
					   .address_width = 32 };
	trans_call_hard(t, trans_site(t, op), true);
	t->next = t->eip + 1;
}

/* The instruction ends on the next page. */
static void crosses(struct trans *t)
{
	t->b->gpa[1] = t->next_gpa & PAGE_MASK;
	t->mixed |= block_page_mixed(t->r, t->b->gpa[1]);
}

/*
 * Who encodes anew is asked first; what it does not, insn.def may say that C executes. Flags and
 * control do not ask whether the instruction exists: all of theirs do.
 */
static void by_any(struct trans *t)
{
	if (!translate_patched(t) && !translate_flags(t) && !translate_control(t) &&
	    !translate_stack(t) && !translate_frame(t) && !translate_int(t) && !translate_hard(t) &&
	    !translate_string(t))
		translate_copy(t);
}

/* What is decoded without Zydis tells which part it is for: mostly nobody else is asked. */
static bool shortly(struct trans *t)
{
	enum trans_part part = trans_decode_short(t);

	t->next = t->eip + t->in.length;
	switch (part) {
	case TRANS_COPY:
		translate_copy(t);
		return true;
	case TRANS_STACK:
		return translate_stack(t);
	case TRANS_CONTROL:
		return translate_control(t);
	case TRANS_HARD:
		return translate_hard(t);
	case TRANS_ANY:
		by_any(t);
		return true;
	default:
		return false;
	}
}

static void by_decoder(struct trans *t)
{
	unsigned instead;

	if (!trans_is_patched(t, t->insns - 1) && shortly(t))
		return;
	instead = trans_decode(t);
	if (instead) {
		undecoded(t, instead);
		return;
	}
	t->next = t->eip + t->in.length;
	by_any(t);
}

/* How many bytes from here on begin instructions that lie on the page whatever their length, and
 * within the limit. */
static u32 easy_bytes(const struct trans *t)
{
	u32 offset = (t->base + t->eip) & (PAGE_SIZE - 1);
	u64 left = MIN((u64)PAGE_SIZE - offset, (u64)t->limit - t->eip + 1);

	return t->page && left >= INSN_MAX ? (u32)left - INSN_MAX + 1 : 0;
}

/* How far behind the block's EIP its instructions may begin: on the page and within the limit. */
static u32 reach_of(const struct trans *t)
{
	u32 left = PAGE_SIZE - 1 - ((t->base + t->start) & (PAGE_SIZE - 1));

	return MIN(left, t->limit - t->start);
}

static bool begin(struct trans *t, struct recomp *r, u32 key)
{
	struct block *b = &r->block[r->blocks];
	struct cpu *cpu = r->cpu;
	struct pagewalk w;

	t->r = r;
	t->cpu = cpu;
	t->b = b;
	t->key = key;
	t->base = cpu->seg[SEG_CS].base;
	t->limit = cpu->seg[SEG_CS].limit;
	t->eip = cpu->eip;
	if (cpu_walk(cpu, t->base + t->eip, trans_fetch_access(t), &w) != CPU_NEXT)
		return false;
	t->e = (struct emit){ r->buffer, r->buffer, r->buffer + sizeof(r->buffer),
			      (u64)r->cfg.cache_rx + r->code_next, false };
	*b = (struct block){ .gpa = { w.gpa, ~0ull },
			     .eip = cpu->eip,
			     .key = key,
			     .base = t->base,
			     .limit = t->limit,
			     .code = r->code_next,
			     .incoming = SLOT_NONE };
	t->start = t->eip;
	t->flat = (key & KEY_FLAT_MASK) == KEY_FLAT;
	t->page = gpmem_ptr(cpu->mem, w.gpa & PAGE_MASK, false);
	t->easy = easy_bytes(t);
	t->code = t->easy ? t->page + ((t->base + t->eip) & (PAGE_SIZE - 1)) : NULL;
	t->slow = key & KEY_SLOW;
	t->slow_page = !t->slow && block_page_has_slow(r, t->base + t->eip);
	t->stops = cpu->stops.codes && !(key & (KEY_TF | KEY_SLOW));
	t->fixup_bits = 0;
	trans_known_begin(t);
	t->insns = t->fixups = t->edges = t->returns = t->marked = 0;
	t->ended = t->holds = t->padded = false;
	t->patched = 0;
	t->esp_bias = 0;
	trans_set_decoder(t);
	return true;
}

/* Jumps that lead to this instruction of the block, if there are any. */
static void resolve_fixups(struct trans *t, u32 eip)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < t->fixups; i++) {
		if (t->fixup[i].target == eip) {
			emit_patch_rel32(&t->e, t->fixup[i].at);
			trans_x87_join(t, t->fixup[i].marked);
			if (t->knows)
				trans_known_join(t, i);
			t->ended = false;
		} else {
			if (t->knows)
				trans_known_move(t, kept, i);
			t->fixup[kept++] = t->fixup[i];
		}
	}
	t->fixups = kept;
}

/*
 * Where the block goes on after control has left it: at the nearest of its own jumps' targets,
 * which a little padding may separate from what was translated last.
 */
static bool next_target(struct trans *t)
{
	u32 best = ~0u;

	for (unsigned i = 0; i < t->fixups; i++)
		if (t->fixup[i].target >= t->eip && t->fixup[i].target < best)
			best = t->fixup[i].target;
	if (best == ~0u || best - t->eip > BLOCK_GAP)
		return false;
	t->eip = best;
	return true;
}

/* Jumps whose targets the block did not come to get a way out each (one for equal targets). */
static void finish_fixups(struct trans *t)
{
	while (t->fixups) {
		u32 target = t->fixup[0].target;

		resolve_fixups(t, target);
		trans_edge(t, target);
	}
}

/* Code that is not proven to be confined must not run, nor come into the cache: it is a bug of
 * ours, and the end of the machine that brought it about. */
static bool prove(struct recomp *r, const struct block *b)
{
	const u8 *code = r->buffer;
	struct verify_fault f;

	if (verify_block(r, b, code, &f)) {
		COUNT(r->stats.verified_blocks);
		return true;
	}
	log_error("recompiler: block of EIP %x, mode %x, host byte %u (%x %x %x %x): %s", b->eip,
		  b->key, f.offset, code[f.offset], code[f.offset + 1], code[f.offset + 2],
		  code[f.offset + 3], f.why);
	recomp_fail(r, f.why);
	return false;
}

static void commit(struct trans *t)
{
	struct recomp *r = t->r;
	struct block *b = t->b;

	b->code_len = (u32)(t->e.p - t->e.start);
	b->len = (u16)(t->eip - b->eip);
	b->insns = (u16)t->insns;
	b->edges = (u16)t->edges;
	if (t->knows)
		trans_known_end(t);
	b->map = block_alloc(r, t->insns * sizeof(t->map[0]) + (b->check_len ? b->len : 0));
	b->edge = block_alloc(r, t->edges * sizeof(t->edge[0]));
	if (t->e.overflow || r->flush_wanted) {
		r->flush_wanted = true; /* the dispatcher flushes and comes again */
		return;
	}
	memcpy(b->map, t->map, t->insns * sizeof(t->map[0]));
	memcpy(b->edge, t->edge, t->edges * sizeof(t->edge[0]));
	if (b->check_len)
		memcpy(block_source(b), t->check, b->len);
	if (r->cfg.verify && !prove(r, b))
		return;
	memcpy(r->cfg.cache_rw + b->code, r->buffer, ALIGN_UP(b->code_len, 8u));
	r->code_next += ALIGN_UP(b->code_len, 16u);
	r->blocks++;
	COUNT(r->stats.blocks);
	r->stats.guest_insns += t->insns;
	r->stats.guest_bytes += b->len;
	r->stats.host_bytes += b->code_len;
}

static bool stops_here(const struct trans *t)
{
	return t->stops && cpu_stops_at(t->cpu, t->base + t->eip);
}

/* What is noted of an instruction in front of it. The check of a block that verifies itself is part
 * of the first. */
static void note(struct trans *t)
{
	t->map[t->insns] = (struct insn_map){
		.host = (u16)(t->insns ? t->e.p - t->e.start : 0),
		.guest = (t->eip - t->start) & 0x3fff,
		.shadow = t->holds,
	};
	t->holds = false;
}

static void one(struct trans *t)
{
	u32 offset = t->eip - t->start;
	bool easy = offset < t->easy; /* whole on the page */

	if (easy) {
		t->bytes = t->code + offset;
		t->have = INSN_MAX;
		t->next_gpa = ~0ull;
	} else {
		trans_fetch(t);
	}
	if (t->padded && !(t->eip & 15) && t->insns)
		emit_align(&t->e, CODE_LINE);
	t->padded = false;
	note(t);
	if (stops_here(t)) {
		trans_stop(t);
		trans_known_forget(t);
	}
	if (t->knows)
		trans_known_next(t);
	t->insns++;
	if (t->slow_page)
		t->slow = block_is_slow(t->r, t->base + t->eip);
	if (!t->flat || t->slow || t->have < INSN_MAX ||
	    (t->patched && trans_is_patched(t, t->insns - 1)) || !translate_fast(t))
		by_decoder(t);
	if (!t->keeps)
		trans_known_forget(t);
	if (!easy && ((t->base + t->next - 1) ^ (t->base + t->eip)) & ~(PAGE_SIZE - 1))
		crosses(t);
	t->eip = t->next;
}

static void translate_insns(struct trans *t)
{
	unsigned max = t->key & (KEY_TF | KEY_SLOW) ? 1 : BLOCK_INSNS;
	const u8 *full = t->e.start + EMIT_BUFFER / 2;
	u32 reach = reach_of(t);

	if (t->mixed)
		max = trans_check(t, max);
	while (t->insns < max && t->fixups < BLOCK_FIXUPS && t->eip - t->start <= reach &&
	       t->e.p < full &&
	       !(t->holds && stops_here(t))) { /* in a shadow the dispatcher asks */
		if (t->fixup_bits & trans_fixup_bit(t->eip))
			resolve_fixups(t, t->eip);
		one(t);
		if (t->ended && (t->eip <= t->start || !next_target(t)))
			break;
	}
	if (!t->ended) {
		if (t->holds)
			emit_store_imm32(&t->e, CPU_FIELD(shadow), CPU_SHADOW_STI);
		if (t->holds || (t->key & (KEY_TF | KEY_SLOW)))
			trans_leave(t, t->eip);
		else
			trans_edge(t, t->eip);
	}
	finish_fixups(t);
}

struct block *translate_block(struct trans *t, struct recomp *r, u32 key)
{
	t->mixed = false;
	if (!begin(t, r, key))
		return NULL;
	t->mixed = block_page_mixed(r, t->b->gpa[0] & PAGE_MASK);
	translate_insns(t);
	if (t->mixed && !t->b->check_len) { /* the page that it leads to is */
		begin(t, r, key);
		translate_insns(t);
	}
	commit(t);
	return t->b;
}
