/* SPDX-License-Identifier: MIT */
/*
 * Blocks that verify their own source bytes: for pages on which code and data mix, so that their
 * writes need not be caught. Such a block begins with a comparison of the guest's bytes with those
 * that it was made of, is entered at its first instruction only, and ends behind the first
 * instruction that writes to memory or jumps: what it has checked cannot change before it is
 * executed. Immediates that change again and again are loaded instead (trans_patched.c).
 */
#include "emu/block/block.h"
#include "emu/block/mixed.h"
#include "emu/trans/trans.h"
#include "kernel/base/string.h"

#define CHECK_INSNS CPU_PATCHED

/* Operands, named and implied, are written to memory; or control goes elsewhere. */
static bool ends_block(const struct trans *t)
{
	switch (t->in.meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSTEM:
	case ZYDIS_CATEGORY_IO: /* a device may answer with DMA */
		return true;
	default:
		break;
	}
	for (unsigned i = 0; i < t->in.operand_count; i++)
		if (t->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (t->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			return true;
	return false;
}

/* The instruction, n-th of the block, lies at check[at]. Its immediate is not compared if the
 * program writes it. */
static void note_patched(struct trans *t, unsigned n, unsigned at)
{
	unsigned imm = at + t->in.raw.imm[0].offset, size = t->in.raw.imm[0].size / 8u;

	if (!block_is_patched(t->r, t->b->gpa[0] + at) || !trans_patchable(t))
		return;
	t->patched |= 1u << n;
	t->unchecked |= ((1ull << size) - 1) << imm;
	t->immediate[n] = (u8)imm;
	t->immediate_size[n] = (u8)size;
}

/* Finds how many instructions the block will have, and notes their bytes. */
static unsigned scan(struct trans *t, unsigned most)
{
	u32 start = t->eip;
	unsigned n = 0, len = 0;
	bool more = true;

	t->unchecked = 0;
	while (more && n < MIN(most, CHECK_INSNS) && len + 15 <= sizeof(t->check) &&
	       t->eip <= t->limit &&
	       (((t->base + t->eip) ^ (t->base + start)) & ~(PAGE_SIZE - 1)) == 0) {
		bool known = trans_decode_here(t);
		unsigned size = known ? t->in.length : t->have; /* or what is there of it */

		memcpy(t->check + len, t->bytes, size);
		if (known)
			note_patched(t, n, len);
		len += size;
		n++;
		t->eip += size;
		more = known && !ends_block(t);
	}
	t->eip = start;
	t->check_len = len;
	return n;
}

/* rcx is saved in r10; the flags stay. mov r11, bytes; lea ecx, [r11 - expected]; jrcxz next; jmp
 * stale. */
static void compare(struct trans *t, gla_t gla, const u8 *bytes, unsigned size,
		    struct emit_label *stale)
{
	struct hmem at = { .base = -1, .index = -1, .scale = 1, .disp = (s32)gla, .guest = true };
	u32 expected = 0;
	struct emit *e = &t->e;
	struct emit_label same = { 0 };

	for (unsigned i = 0; i < size; i++)
		expected |= (u32)bytes[i] << 8 * i;
	emit_load_zx(e, t->r, size, R11, at);
	emit_lea(e, false, R_C,
		 (struct hmem){
			 .base = R11, .index = -1, .scale = 1, .disp = (s32)(0u - expected) });
	emit_jrcxz(e, &same);
	emit_jmp_near(e, stale);
	emit_label(e, &same);
}

/* How many bytes from here on are to be compared in one piece; 0: this one is not compared. */
static unsigned piece(const struct trans *t, unsigned at)
{
	unsigned n = 0;

	while (n < 4 && at + n < t->check_len && !(t->unchecked >> (at + n) & 1))
		n++;
	return n == 3 ? 2 : n;
}

unsigned trans_check(struct trans *t, unsigned most)
{
	unsigned n = scan(t, most);
	struct emit *e = &t->e;
	struct site *s = trans_site(t, OP_SLOW_STALE);
	struct emit_label stale = { 0 }, done = { 0 };

	s->insn.imm = t->r->blocks; /* this block's number */
	emit_mov64(e, R10, R_C);
	for (unsigned at = 0; at < t->check_len;) {
		unsigned size = piece(t, at);

		if (size)
			compare(t, t->base + t->eip + at, t->check + at, size, &stale);
		at += MAX(size, 1u);
	}
	for (unsigned i = 0; i < n; i++)
		if (trans_is_patched(t, i))
			trans_load_patched(t, i, t->base + t->eip + t->immediate[i],
					   t->immediate_size[i]);
	emit_jmp_near(e, &done);
	emit_label(e, &stale);
	emit_mov64(e, R_C, R10);
	trans_call_hard(t, s, true);
	emit_label(e, &done);
	emit_mov64(e, R_C, R10);
	t->ended = false;
	t->b->check_len = (u16)(e->p - e->start);
	return n;
}
