/* SPDX-License-Identifier: MIT */
/*
 * Stacks that are not flat. With 32-bit addresses the offset is put together in R8, and looked at
 * if SS has a limit. With 16-bit addresses SP is the lower half of R12, and SS has a base. Where
 * the fence has shown that SP does not wrap around, LEA moves all of R12: the upper half of ESP
 * stays. That is done when nothing can fail any more.
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

/* The last byte looked at, from the offset in R8, is inside of SS. */
static void inside(struct trans *t, s32 last)
{
	if (trans_seg_limited(t, SEG_SS))
		trans_limit(t, SEG_SS, R8, last);
}

struct hmem trans_stack16_at_r8(struct trans *t, unsigned size)
{
	if (!(t->key & KEY_B) || trans_seg_class(t, SEG_SS) == CLASS_64K)
		trans_fence(t, R8, (s32)size - 1, 1);
	inside(t, (s32)size - 1);
	return at(t, R8, 0);
}

/* With 32-bit addresses, from ESP + disp on. */
static struct hmem at_esp(struct trans *t, s32 disp, unsigned size)
{
	emit_lea(&t->e, false, R8, GSP_AT(disp));
	return trans_stack16_at_r8(t, size);
}

static bool sp_is_low(const struct trans *t)
{
	return !trans_seg_limited(t, SEG_SS) && trans_reg_is_low(t, REG_ESP);
}

/* One load looks at the byte that SP points at, which is below 64 KiB, and at as many below it. */
struct hmem trans_below16(struct trans *t, unsigned size)
{
	if (t->key & KEY_B)
		return at_esp(t, -(s32)size, size);
	if (sp_is_low(t) && trans_known_inside(t, REG_ESP, -(s32)size, -1))
		return at(t, R_GSP, -(s32)size);
	if (size < 8 && sp_is_low(t)) {
		unsigned wide = size < 4 ? 4 : 8;

		trans_fence(t, R_GSP, 1 - (s32)wide, wide);
		return at(t, R_GSP, -(s32)size);
	}
	emit_movzx16(&t->e, R8, R_GSP);
	trans_fence(t, R8, -(s32)size, 1);
	inside(t, -1);
	return at(t, R8, -(s32)size);
}

/* SP itself must not pass 64 KiB. */
struct hmem trans_above16(struct trans *t, unsigned size)
{
	if (t->key & KEY_B)
		return at_esp(t, 0, size);
	if (sp_is_low(t)) {
		if (!trans_known_inside(t, REG_ESP, 0, (s32)size))
			trans_fence(t, R_GSP, (s32)size, 1);
		return at(t, R_GSP, 0);
	}
	emit_movzx16(&t->e, R8, R_GSP);
	trans_fence(t, R8, (s32)size, 1);
	inside(t, (s32)size - 1);
	return at(t, R8, 0);
}

bool trans_stack_known(const struct trans *t)
{
	return t->keeps && !(t->key & KEY_B) && trans_seg_class(t, SEG_SS) == CLASS_64K &&
	       sp_is_low(t);
}

void trans_move_sp(struct trans *t, s32 by)
{
	emit_lea(&t->e, false, R_GSP, GSP_AT(by));
	if (t->key & KEY_B)
		trans_known_written(t, REG_ESP, 32);
	else
		trans_known_moved(t, REG_ESP, by);
}

void trans_release_sp(struct trans *t, u32 by)
{
	if (t->key & KEY_B) {
		trans_move_sp(t, (s32)by);
		return;
	}
	emit_lea(&t->e, false, R9, GSP_AT((s32)by));
	emit_mov16(&t->e, R_GSP, R9);
	trans_known_moved(t, REG_ESP, (s32)by);
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

/* What is known of a guest's register, by its number in the host, that is loaded. */
static void note_loaded(struct trans *t, unsigned reg, unsigned size)
{
	if (reg <= R_DI || reg == R_GSP)
		trans_known_written(t, reg == R_GSP ? REG_ESP : reg, size * 8);
}

void trans_pop16(struct trans *t, unsigned reg, unsigned size)
{
	struct hmem m = trans_above16(t, size);

	note_loaded(t, reg, size);
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
