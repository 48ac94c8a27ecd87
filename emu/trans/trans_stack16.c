/* SPDX-License-Identifier: MIT */
/*
 * Stacks with 16-bit addresses: SP is the lower half of R12, and SS has a base. Where the fence has
 * shown that SP does not wrap around, LEA moves all of R12: the upper half of ESP stays. That is
 * done when nothing can fail any more.
 *
 * Mostly the upper half is 0. Then R12 is the address, and the fence says that it is so.
 */
#include "emu/trans/trans.h"

/* At the offset in reg, plus disp. */
static struct hmem at(struct trans *t, unsigned reg, s32 disp)
{
	struct hmem m = { .base = (s8)reg, .index = -1, .scale = 1, .disp = disp, .guest = true };

	return trans_seg_class(t, SEG_SS) == CLASS_FLAT ? m : trans_add_base(t, m, SEG_SS);
}

struct hmem trans_stack16_at_r8(struct trans *t, unsigned size)
{
	trans_fence(t, R8, (s32)size - 1, 1);
	return at(t, R8, 0);
}

/* One load looks at the byte that SP points at, which is below 64 KiB, and at as many below it. */
struct hmem trans_below16(struct trans *t, unsigned size)
{
	if (size < 8 && trans_reg_is_low(t, REG_ESP)) {
		unsigned wide = size < 4 ? 4 : 8;

		trans_fence(t, R_GSP, 1 - (s32)wide, wide);
		return at(t, R_GSP, -(s32)size);
	}
	emit_movzx16(&t->e, R8, R_GSP);
	trans_fence(t, R8, -(s32)size, 1);
	return at(t, R8, -(s32)size);
}

/* SP itself must not pass 64 KiB. */
struct hmem trans_above16(struct trans *t, unsigned size)
{
	if (trans_reg_is_low(t, REG_ESP)) {
		trans_fence(t, R_GSP, (s32)size, 1);
		return at(t, R_GSP, 0);
	}
	emit_movzx16(&t->e, R8, R_GSP);
	trans_fence(t, R8, (s32)size, 1);
	return at(t, R8, 0);
}

void trans_move_sp(struct trans *t, s32 by)
{
	emit_lea(&t->e, false, R_GSP, GSP_AT(by));
}

void trans_release_sp(struct trans *t, u32 by)
{
	emit_lea(&t->e, false, R9, GSP_AT((s32)by));
	emit_mov16(&t->e, R_GSP, R9);
}

void trans_push16(struct trans *t, unsigned reg, unsigned size)
{
	trans_access(t, 0x89, reg, size, trans_below16(t, size));
	trans_move_sp(t, -(s32)size);
}

void trans_push16_imm(struct trans *t, u32 value, unsigned size)
{
	trans_access(t, 0xc7, 0, size, trans_below16(t, size));
	for (unsigned i = 0; i < size; i++)
		emit_u8(&t->e, (u8)(value >> 8 * i));
	trans_move_sp(t, -(s32)size);
}

void trans_pop16(struct trans *t, unsigned reg, unsigned size)
{
	struct hmem m = trans_above16(t, size);

	if (size == 2 && reg >= R8 && reg != R_GSP) { /* a temporary: all of it */
		emit_load_zx(&t->e, t->r, 2, reg, m);
	} else if (reg == R_GSP) { /* the value goes where the pointer was */
		trans_access(t, 0x8b, R_GSP, size, m);
		return;
	} else {
		trans_access(t, 0x8b, reg, size, m);
	}
	trans_move_sp(t, (s32)size);
}
