/* SPDX-License-Identifier: MIT */
/*
 * REP CMPS and REP SCAS upwards in segments of 64 KiB with 16-bit addresses: a few iterations in a
 * row, and from the last one back to the first.
 *
 *     again: movzx r9d, byte [r13 + ecx]        is ECX 16 bits? this is the poll, too
 *            movzx r9d, byte [r13 + edi + n]    does DI stay below 64 KiB for so many iterations?
 *            ...                                does DF point upwards?
 *            mov r9d, [es.base]
 *            jrcxz end
 *            cmp al, [r9d + edi]                )
 *            lea edi, [edi + 1]                 ) n times
 *            lea ecx, [ecx - 1]                 )
 *            jrcxz end                          )
 *            je end                             ) JNE for REPE
 *            jmp again
 *     end:
 *
 * Between two iterations the registers and flags are exactly the guest's: a fault, the poll and the
 * fence may leave at any of them, and the instruction goes on in C or from its start. What the
 * fence does not allow (trans_address.c), C does from then on. Compilers for DOS find the end of
 * a text so. C takes 760 instructions for it, and this takes 7 a byte.
 */
#include "emu/cpu/stops.h"
#include "emu/trans/trans.h"

/* Iterations in a row: as many as a short jump reaches over. */
#define SCAS_ROW 6u
#define CMPS_ROW 4u

struct scan {
	bool both; /* CMPS */
	unsigned size, src;
	struct hmem left, right;
};

static bool fits(const struct trans *t, const struct scan *s)
{
	return t->in.address_width == 16 && !t->slow && !(t->key & (KEY_TF | KEY_SLOW)) &&
	       trans_seg_class(t, SEG_ES) == CLASS_64K &&
	       (!s->both || trans_seg_class(t, s->src) == CLASS_64K) &&
	       trans_reg_is_low(t, REG_ECX) && trans_reg_is_low(t, REG_EDI) &&
	       (!s->both || trans_reg_is_low(t, REG_ESI)) &&
	       !(t->in.attributes & ZYDIS_ATTRIB_HAS_LOCK) &&
	       /* It would be asked for in each row. */
	       !(t->cpu->stops.codes && cpu_stops_at(t->cpu, t->base + t->eip));
}

static struct hmem operand(struct trans *t, unsigned reg, unsigned seg)
{
	struct hmem m = { .base = (s8)reg, .index = -1, .scale = 1, .guest = true };

	return trans_add_base(t, m, seg);
}

/* R9 has the base that was loaded last. */
static void load_bases(struct trans *t, struct scan *s)
{
	if (s->both) {
		s->left = operand(t, R_SI, s->src);
		if (s->left.index == R9) {
			emit_mov(&t->e, R11, R9);
			s->left.index = R11;
		}
	}
	s->right = operand(t, R_DI, SEG_ES);
}

static void move(struct trans *t, unsigned reg, s32 by)
{
	emit_lea(&t->e, false, reg,
		 (struct hmem){ .base = (s8)reg, .index = -1, .scale = 1, .disp = by });
}

static void iteration(struct trans *t, const struct scan *s, struct emit_label *end)
{
	u32 wide = s->size > 1;
	s32 size = (s32)s->size;

	if (s->both)
		trans_access(t, 0x8a + wide, R10, s->size, s->left);
	trans_access(t, 0x3a + wide, s->both ? R10 : R_A, s->size, s->right);
	if (s->both)
		move(t, R_SI, size);
	move(t, R_DI, size);
	move(t, R_C, -1);
	emit_jrcxz(&t->e, end);
	emit_jcc(&t->e, t->in.attributes & ZYDIS_ATTRIB_HAS_REPNE ? CC_Z : CC_NZ, end);
}

bool trans_scan(struct trans *t, bool both, unsigned size, unsigned src)
{
	struct scan s = { .both = both, .size = size, .src = src };
	unsigned row = both ? CMPS_ROW : SCAS_ROW;
	u32 again = t->map[t->insns - 1].host;
	struct emit_label end = { 0 };
	struct emit *e = &t->e;

	if (!fits(t, &s))
		return false;
	trans_fence(t, R_C, 0, 1);
	trans_fence(t, R_DI, (s32)(row * size), 1);
	if (both)
		trans_fence(t, R_SI, (s32)(row * size), 1);
	trans_load_direction(t); /* R9 = DF ? -1 : 0, which the fence refuses */
	trans_fence(t, R9, 0, 1);
	load_bases(t, &s);
	emit_jrcxz(e, &end);
	for (unsigned i = 0; i < row; i++)
		iteration(t, &s, &end);
	emit_jmp_back(e, again);
	emit_label(e, &end);
	return true;
}
