/* SPDX-License-Identifier: MIT */
/*
 * Stacks with 16-bit addresses: SP is the lower half of R12, and SS has a base. The new pointer is
 * written when nothing can fail any more; the upper half of ESP stays.
 */
#include "emu/trans/trans.h"

struct hmem trans_stack16_at_r8(struct trans *t, unsigned size, bool may_wrap, struct site *s)
{
	struct hmem m = { .base = R8, .index = -1, .scale = 1, .guest = true };

	if (may_wrap || trans_seg_class(t, SEG_SS) == CLASS_64K)
		trans_check_64k(t, m, size, s, t->r->call_hard);
	return trans_seg_class(t, SEG_SS) == CLASS_FLAT ? m : trans_add_base(t, m, SEG_SS);
}

struct hmem trans_top16(struct trans *t, s32 delta, unsigned size, bool may_wrap, struct site *s)
{
	if (delta) {
		emit_lea(&t->e, false, R8, GSP_AT(delta));
		emit_movzx16(&t->e, R8, R8);
	} else {
		emit_movzx16(&t->e, R8, R_GSP);
	}
	return trans_stack16_at_r8(t, size, may_wrap, s);
}

void trans_set_sp(struct trans *t)
{
	emit_mov16(&t->e, R_GSP, R8);
}

void trans_push16(struct trans *t, unsigned reg, unsigned size, struct site *s)
{
	trans_access(t, 0x89, reg, size, trans_top16(t, -(s32)size, size, false, s));
	trans_set_sp(t);
}

void trans_push16_imm(struct trans *t, u32 value, unsigned size, struct site *s)
{
	trans_access(t, 0xc7, 0, size, trans_top16(t, -(s32)size, size, false, s));
	for (unsigned i = 0; i < size; i++)
		emit_u8(&t->e, (u8)(value >> 8 * i));
	trans_set_sp(t);
}

void trans_pop16(struct trans *t, unsigned reg, unsigned size, unsigned release, struct site *s)
{
	struct hmem m = trans_top16(t, 0, size, false, s);

	if (size == 2 && reg >= R8 && reg != R_GSP) { /* a temporary: all of it */
		emit_load_zx(&t->e, t->r, 2, reg, m);
	} else if (reg == R_GSP) { /* the value goes where the pointer was */
		trans_access(t, 0x8b, R_GSP, size, m);
		return;
	} else {
		trans_access(t, 0x8b, reg, size, m);
	}
	emit_lea(&t->e, false, R8, GSP_AT((s32)(size + release)));
	trans_set_sp(t);
}
