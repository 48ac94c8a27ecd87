/* SPDX-License-Identifier: MIT */
/*
 * REP MOVS, STOS, CMPS and SCAS upwards in segments of 64 KiB with 16-bit addresses: a few
 * iterations in a row, and from the last one back to the first.
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
 *            je end                             ) JNE for REPE; of CMPS and SCAS only
 *            jmp again
 *     end:
 *
 * Between two iterations the registers and flags are exactly the guest's: a fault, the poll and the
 * fence may leave at any of them, and the instruction goes on in C or from its start. What the
 * fence does not allow (trans_address.c), C does from then on. Compilers for DOS find the end of
 * a text so. C takes 760 instructions for it, and this takes 7 a byte.
 *
 * MOVS and STOS take 6 and 4 for each element, where C takes next to none. So 256 and more, which
 * are known by CH, are a call of C.
 */
#include "emu/cpu/stops.h"
#include "emu/trans/trans.h"

/* Iterations in a row: as many as a short jump reaches over. */
#define SCAS_ROW 6u
#define CMPS_ROW 4u
#define R_CH	 5u /* without REX */

struct repeat {
	unsigned size, src;
	bool reads, compares; /* [SI]; with [DI], which else is written */
	struct hmem from, to;
};

static bool fits(const struct trans *t, const struct repeat *s)
{
	return t->in.address_width == 16 && !t->slow && !(t->key & (KEY_TF | KEY_SLOW)) &&
	       trans_seg_class(t, SEG_ES) == CLASS_64K &&
	       (!s->reads || trans_seg_class(t, s->src) == CLASS_64K) &&
	       trans_reg_is_low(t, REG_ECX) && trans_reg_is_low(t, REG_EDI) &&
	       (!s->reads || trans_reg_is_low(t, REG_ESI)) &&
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
static void load_bases(struct trans *t, struct repeat *s)
{
	if (s->reads) {
		s->from = operand(t, R_SI, s->src);
		if (s->from.index == R9) {
			emit_mov(&t->e, R11, R9);
			s->from.index = R11;
		}
	}
	s->to = operand(t, R_DI, SEG_ES);
}

static void move(struct trans *t, unsigned reg, s32 by)
{
	emit_lea(&t->e, false, reg,
		 (struct hmem){ .base = (s8)reg, .index = -1, .scale = 1, .disp = by });
}

static void iteration(struct trans *t, const struct repeat *s, struct emit_label *end)
{
	unsigned reg = s->reads ? R10 : R_A;
	u32 wide = s->size > 1;
	s32 size = (s32)s->size;

	if (s->reads)
		trans_access(t, 0x8a + wide, R10, s->size, s->from);
	trans_access(t, (s->compares ? 0x3a : 0x88) + wide, reg, s->size, s->to);
	if (s->reads)
		move(t, R_SI, size);
	move(t, R_DI, size);
	move(t, R_C, -1);
	emit_jrcxz(&t->e, end);
	if (s->compares)
		emit_jcc(&t->e, t->in.attributes & ZYDIS_ATTRIB_HAS_REPNE ? CC_Z : CC_NZ, end);
}

static void many_in_c(struct trans *t, const struct repeat *s, unsigned op, struct emit_label *end)
{
	struct site *site = trans_site(t, op);
	struct emit_label few = { 0 };
	struct emit *e = &t->e;

	site->insn.seg = (u8)s->src;
	site->insn.osize = (u8)s->size;
	emit_mov64(e, R10, R_C);
	emit_movzx8(e, R_C, R_CH);
	emit_jrcxz(e, &few);
	emit_mov64(e, R_C, R10);
	trans_call_hard(t, site, false);
	emit_jmp_near(e, end);
	emit_label(e, &few);
	emit_mov64(e, R_C, R10);
}

/* Who stays inside for so many iterations. */
static void look(struct trans *t, const struct repeat *s, unsigned row)
{
	s32 bytes = (s32)(row * s->size);

	trans_fence(t, R_DI, bytes, 1);
	if (s->reads)
		trans_fence(t, R_SI, bytes, 1);
	trans_load_direction(t); /* R9 = DF ? -1 : 0, which the fence refuses */
	trans_fence(t, R9, 0, 1);
}

bool trans_repeat(struct trans *t, unsigned op, unsigned size, unsigned src)
{
	bool both = op == OP_CMPS || op == OP_MOVS;
	struct repeat s = {
		.size = size, .src = src, .reads = both, .compares = op == OP_CMPS || op == OP_SCAS
	};
	unsigned row = both ? CMPS_ROW : SCAS_ROW;
	u32 again = t->map[t->insns - 1].host;
	struct emit_label end = { 0 }, over = { 0 };
	struct emit *e = &t->e;

	if (op == OP_LODS || !fits(t, &s))
		return false;
	trans_fence(t, R_C, 0, 1);
	if (!s.compares)
		many_in_c(t, &s, op, &over);
	look(t, &s, row);
	load_bases(t, &s);
	emit_jrcxz(e, &end);
	for (unsigned i = 0; i < row; i++)
		iteration(t, &s, &end);
	emit_jmp_back(e, again);
	emit_label(e, &end);
	emit_label(e, &over);
	return true;
}
