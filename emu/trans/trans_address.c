/* SPDX-License-Identifier: MIT */
/*
 * Addresses: what an access through a segment takes.
 *
 * In a segment of 64 KiB an access must not pass the end. A load of its own size from the fence, at
 * the place that it has in its segment, looks at that, and leaves the flags alone; if it faults, C
 * executes the instruction (recomp_trap()).
 *
 * 16-bit addresses wrap around at 64 KiB, and are put together in R8. Mostly they do not, and the
 * upper halves of their registers are 0: then the sum of the whole registers is the address, and
 * the fence says that it is so. An instruction that met the fence wraps around from then on.
 *
 * Of a segment with any other limit the sum of the last byte's offset and of what the limit lacks
 * of 4 GiB has to stay below 4 GiB. BSWAP brings what is above that down, for the fence.
 */
#include "emu/trans/fence.h"
#include "emu/trans/trans.h"

/* An address of 16 bits that is not known is in R8. */
static struct hmem cut_to_16(struct trans *t, struct hmem m)
{
	if (m.base < 0 && m.index < 0) {
		m.disp &= 0xffff;
		return m;
	}
	if (m.index < 0 && !m.disp) {
		emit_movzx16(&t->e, R8, (unsigned)m.base); /* movzx r8d, base's word */
	} else {
		emit_lea(&t->e, false, R8, m);
		emit_movzx16(&t->e, R8, R8);
	}
	return (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
}

/* The operand's registers and its displacement, whatever the width of addresses. */
static struct hmem address_sum(const ZydisDecodedOperand *op)
{
	int base = trans_gpr(op->mem.base), index = trans_gpr(op->mem.index);

	return (struct hmem){ .base = (s8)(base < 0 ? -1 : (int)trans_host_reg((unsigned)base)),
			      .index = (s8)index,
			      .scale = index < 0 ? 1 : op->mem.scale,
			      .disp = op->mem.disp.has_displacement ? (s32)op->mem.disp.value : 0,
			      .guest = true };
}

struct hmem trans_address_noseg(struct trans *t, const ZydisDecodedOperand *op)
{
	struct hmem m = address_sum(op);

	if (m.base == R_GSP)
		m.disp = (s32)((u32)m.disp + (u32)t->esp_bias);

	return t->in.address_width == 16 ? cut_to_16(t, m) : m;
}

struct hmem trans_add_base(struct trans *t, struct hmem m, unsigned seg)
{
	int known = -1;

	if (m.index >= 0) {
		emit_lea(&t->e, false, R8, m);
		m = (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
	}
	if (seg >= SEG_FS) {
		emit_load64(&t->e, R9,
			    cpu_field(offsetof(struct cpu, thread_base) +
				      (seg - SEG_FS) * sizeof(u64)));
		emit_load32(&t->e, R9, (struct hmem){ .base = R9, .index = -1, .scale = 1 });
	} else if (seg == SEG_CS) { /* the block's */
		m.disp = (s32)((u32)m.disp + t->base);
		return m;
	} else {
		known = trans_known_base(t, seg);
		if (known < 0)
			emit_load32(&t->e, R9, SEGMENT_FIELD(seg, base));
	}
	m.index = known < 0 ? R9 : (s8)known;
	m.scale = 1;
	if (m.base < 0) {
		m.base = m.index;
		m.index = -1;
	}
	return m;
}

void trans_limit(struct trans *t, unsigned seg, unsigned reg, s32 last)
{
	struct hmem sum = { .base = R9, .index = (s8)reg, .scale = 1, .disp = last };

	if (seg == SEG_CS) { /* the block's */
		emit_mov_imm32(&t->e, R9, ~t->limit);
	} else {
		emit_load32(&t->e, R9, SEGMENT_FIELD(seg, limit));
		emit_not(&t->e, R9);
	}
	emit_lea(&t->e, true, R9, sum);
	emit_bswap64(&t->e, R9);
	emit_mov(&t->e, R9, R9);
	trans_fence(t, R9, 0, 1);
}

bool trans_reg_is_low(const struct trans *t, unsigned guest)
{
	return !(t->cpu->gpr[guest] >> 16) && !(t->key & KEY_SLOW) &&
	       !fence_was_met(t->r, t->base + t->eip);
}

/* Sizes that one load can have; of others the end is looked at. */
static bool fence_is_exact(unsigned size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

void trans_check_64k(struct trans *t, struct hmem m, unsigned size)
{
	if (size > 1 && m.base == R8)
		trans_fence(t, R8, m.disp + (s32)size - 1, 1);
}

/* An address that is, probably, what its registers' lower halves make: by the whole registers. */
static bool sum_is_low(const struct trans *t, const ZydisDecodedOperand *op, unsigned size)
{
	int base = trans_gpr(op->mem.base), index = trans_gpr(op->mem.index);
	bool moves = index >= 0 || (op->mem.disp.has_displacement && op->mem.disp.value);

	/* A byte at a register is cut to 16 bits by one instruction, too, which loads nothing. */
	return base >= 0 && fence_is_exact(size) && (size > 1 || (moves && index < 0)) &&
	       trans_reg_is_low(t, (unsigned)base) &&
	       (index < 0 || trans_reg_is_low(t, (unsigned)index));
}

/* The displacement of 16 bits that makes the sum without wrapping around, probably: of a frame it
 * is below 0, of a table it is the address. */
static s32 likely_disp(const ZydisDecodedOperand *op, s32 disp)
{
	return disp < -0x80 && op->mem.base != ZYDIS_REGISTER_BP ? disp + 0x10000 : disp;
}

/* A register and a displacement, which what is known of the register, or a look at the fence, shows
 * to be within 64 KiB: the whole register is the base. A byte at a register is cut to 16 bits by
 * one instruction, too, which loads nothing. */
static bool known_sum(struct trans *t, const ZydisDecodedOperand *op, unsigned size, struct hmem *m)
{
	int base = trans_gpr(op->mem.base);
	bool small = t->in.address_width == 16;

	if (base < 0 || op->mem.index != ZYDIS_REGISTER_NONE || !size ||
	    !trans_reg_is_low(t, (unsigned)base))
		return false;
	*m = address_sum(op);
	if (m->base == R_GSP)
		m->disp += t->esp_bias;
	if (small)
		m->disp = likely_disp(op, m->disp);
	if (small && size == 1 && !m->disp)
		return trans_known_whole(t, (unsigned)base);
	return trans_known_inside(t, (unsigned)base, m->disp, m->disp + (s32)size - 1);
}

static struct hmem low_sum(struct trans *t, const ZydisDecodedOperand *op, unsigned size)
{
	struct hmem m = address_sum(op);

	m.disp = likely_disp(op, m.disp);
	if (m.index >= 0) {
		emit_lea(&t->e, false, R8, m);
		m = (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
	}
	trans_fence(t, (unsigned)m.base, m.disp, size);
	return m;
}

/* An address of 32 bits, which does not wrap around at 64 KiB but faults, for a byte, too: 4 GiB
 * behind the fence fault. Compilers for real mode (gcc -m16) make no others. */
static struct hmem wide_inside_64k(struct trans *t, const ZydisDecodedOperand *op, unsigned size)
{
	struct hmem m = trans_address_noseg(t, op);
	bool known = m.base < 0 && m.index < 0;

	if (known && (u32)m.disp < RECOMP_FENCE && (u32)m.disp + size <= RECOMP_FENCE)
		return m;
	if (known)
		emit_mov_imm32(&t->e, R8, (u32)m.disp);
	else
		emit_lea(&t->e, false, R8, m);
	trans_fence(t, R8, (s32)size - 1, 1);
	return (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
}

static struct hmem inside_limit(struct trans *t, const ZydisDecodedOperand *op, unsigned seg,
				unsigned size)
{
	struct hmem m = trans_address_noseg(t, op);

	if (m.base < 0 && m.index < 0)
		emit_mov_imm32(&t->e, R8, (u32)m.disp);
	else if (m.base != R8 || m.index >= 0 || m.disp)
		emit_lea(&t->e, false, R8, m);
	trans_limit(t, seg, R8, (s32)size - 1);
	return (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
}

struct hmem trans_address(struct trans *t, const ZydisDecodedOperand *op)
{
	unsigned seg = trans_seg(op->mem.segment), size = trans_mem_bytes(t, op);
	bool small = trans_seg_class(t, seg) == CLASS_64K;
	struct hmem m;

	if (trans_seg_limited(t, seg))
		return trans_add_base(t, inside_limit(t, op, seg, size), seg);
	if (small && known_sum(t, op, size, &m))
		return trans_add_base(t, m, seg);
	if (small && t->in.address_width != 16)
		return trans_add_base(t, wide_inside_64k(t, op, size), seg);
	if (small && sum_is_low(t, op, size))
		return trans_add_base(t, low_sum(t, op, size), seg);
	m = trans_address_noseg(t, op);
	if (trans_seg_class(t, seg) == CLASS_FLAT)
		return m;
	if (small && m.base < 0 && (u32)m.disp + size > RECOMP_FENCE) {
		emit_mov_imm32(&t->e, R8, (u32)m.disp);
		m = (struct hmem){ .base = R8, .index = -1, .scale = 1, .guest = true };
	}
	if (small)
		trans_check_64k(t, m, size);
	return trans_add_base(t, m, seg);
}

void trans_access(struct trans *t, u32 opcode, unsigned reg, unsigned size, struct hmem m)
{
	emit_guest_prefix(&t->e, t->r, m);
	if (size == 2)
		emit_u8(&t->e, 0x66);
	m.guest = false;
	emit_rm(&t->e, t->r, false, opcode, reg, m);
}
