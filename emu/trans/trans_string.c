/* SPDX-License-Identifier: MIT */
/*
 * String instructions and XLAT, whose operands no ModRM names. Four ways:
 *
 *   1. copied, REP and all, where addresses have 32 bits and the segments are flat;
 *   2. a single one step by step, for other segments and 16-bit addresses: loads, stores and
 *      compares first, then the registers, so that a fault finds them as they were;
 *   3. REP there as a loop (trans_repeat.c);
 *   4. in C (hard_string.c): other REPs with such segments, and what needs all checks.
 */
#include "emu/trans/trans.h"

static const struct string_op {
	u8 op;
	bool src, dst;
} by_opcode[] = {
	{ OP_MOVS, true, true },  { OP_CMPS, true, true },  { 0, false, false },
	{ OP_STOS, false, true }, { OP_LODS, true, false }, { OP_SCAS, false, true },
};

/* NULL: none. */
static const struct string_op *string_op(const struct trans *t)
{
	unsigned n = (t->in.opcode - 0xa4u) / 2;

	if (t->in.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT ||
	    t->in.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY || t->in.opcode < 0xa4 ||
	    n >= ARRAY_SIZE(by_opcode) || !by_opcode[n].op)
		return NULL;
	return &by_opcode[n];
}

static bool repeats(const struct trans *t)
{
	return t->in.attributes &
	       (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE);
}

/* DS, or what a prefix names instead: the segment of [ESI] and of XLAT's table. */
static unsigned source_segment(const struct trans *t)
{
	for (unsigned n = 0; n < t->in.operand_count; n++)
		if (t->op[n].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    t->op[n].mem.base != ZYDIS_REGISTER_EDI &&
		    t->op[n].mem.base != ZYDIS_REGISTER_DI)
			return trans_seg(t->op[n].mem.segment);
	return SEG_DS;
}

static unsigned element_size(const struct trans *t)
{
	return !(t->in.opcode & 1) ? 1 : t->in.operand_width == 16 ? 2 : 4;
}

/* 1. The host's destination cannot have a GS base. */
static bool copies(const struct trans *t, const struct string_op *s, unsigned src)
{
	return t->in.address_width == 32 && (!s->src || trans_seg_class(t, src) == CLASS_FLAT) &&
	       (!s->dst || (trans_seg_class(t, SEG_ES) == CLASS_FLAT && !t->r->cfg.membase_gs));
}

static void copy(struct trans *t)
{
	if (repeats(t))
		trans_poll(t);
	if (t->r->cfg.membase_gs)
		emit_u8(&t->e, 0x65);
	emit_u8(&t->e, 0x67);
	if (t->in.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
		emit_u8(&t->e, 0xf3);
	else if (t->in.attributes & ZYDIS_ATTRIB_HAS_REPNE)
		emit_u8(&t->e, 0xf2);
	if (element_size(t) == 2)
		emit_u8(&t->e, 0x66);
	emit_u8(&t->e, t->in.opcode);
}

/* 2. */
static bool reachable(const struct trans *t, unsigned seg)
{
	unsigned class = trans_seg_class(t, seg);

	return trans_seg_limited(t, seg) || class <= CLASS_BASED ||
	       (class == CLASS_64K && t->in.address_width == 16);
}

static bool steps(const struct trans *t, const struct string_op *s, unsigned src)
{
	return !repeats(t) && (!s->src || reachable(t, src)) && (!s->dst || reachable(t, SEG_ES));
}

/* What a pointer register points at; R8 and R9 are used. */
static struct hmem element(struct trans *t, unsigned reg, unsigned seg)
{
	struct hmem m = { .base = (s8)reg, .index = -1, .scale = 1, .guest = true };

	bool small = trans_seg_class(t, seg) == CLASS_64K;

	if (small && element_size(t) > 1 && trans_reg_is_low(t, reg)) {
		trans_fence(t, reg, 0, element_size(t));
		return trans_add_base(t, m, seg);
	}
	if (t->in.address_width == 16) {
		emit_movzx16(&t->e, R8, reg);
		m.base = R8;
	}
	if (small)
		trans_check_64k(t, m, element_size(t));
	if (trans_seg_limited(t, seg))
		trans_limit(t, seg, (unsigned)m.base, (s32)element_size(t) - 1);
	return trans_seg_class(t, seg) == CLASS_FLAT ? m : trans_add_base(t, m, seg);
}

/* A form of opcode's: itself for bytes, the next one for words and doublewords. */
static void access(struct trans *t, u32 opcode, unsigned reg, struct hmem m)
{
	trans_access(t, element_size(t) == 1 ? opcode : opcode + 1, reg, element_size(t), m);
}

static void advance(struct trans *t, unsigned reg)
{
	unsigned size = element_size(t);
	struct hmem next = {
		.base = (s8)reg, .index = R9, .scale = (u8)(2 * size), .disp = (s32)size
	};

	if (t->in.address_width == 32) {
		emit_lea(&t->e, false, reg, next);
		return;
	}
	emit_lea(&t->e, false, R8, next);
	emit_mov16(&t->e, reg, R8);
}

/* The same for what is probably a device's: by way of cpu->scratch. CMPS has two operands to read,
 * and R10 does not outlive the second call. */
static bool by_device(const struct trans *t, const struct string_op *s)
{
	return trans_may_be_device(t, element_size(t)) && s->op != OP_CMPS;
}

/* op: what C finishes if it leaves the block behind the store; the registers come after that. */
static struct site *device_site(struct trans *t, unsigned op, bool writes)
{
	struct site *d = trans_site(t, op);

	d->insn.osize = (u8)element_size(t);
	d->mem_size = (u8)element_size(t);
	d->reads = !writes;
	d->writes = writes;
	return d;
}

static void load(struct trans *t, u32 opcode, unsigned reg, struct hmem m)
{
	if (t->slow) {
		trans_device_read(t, device_site(t, OP_COPY, false), m);
		m = CPU_FIELD(scratch);
	}
	access(t, opcode, reg, m);
}

static void store(struct trans *t, unsigned op, unsigned reg, struct hmem m)
{
	if (!t->slow) {
		access(t, 0x88, reg, m);
		return;
	}
	access(t, 0x88, reg, CPU_FIELD(scratch));
	trans_device_store(t, device_site(t, op, true), m);
}

static void step(struct trans *t, const struct string_op *s, unsigned src)
{
	bool compares = s->op == OP_CMPS || s->op == OP_SCAS;
	unsigned reg = s->src && s->dst ? R10 : R_A;

	if (s->src)
		load(t, 0x8a, reg, element(t, R_SI, src));
	if (s->dst && compares)
		load(t, 0x3a, reg, element(t, R_DI, SEG_ES));
	else if (s->dst)
		store(t, s->op, reg, element(t, R_DI, SEG_ES));
	trans_load_direction(t);
	if (s->src)
		advance(t, R_SI);
	if (s->dst)
		advance(t, R_DI);
}

/* AL = [EBX + AL] */
static void xlat(struct trans *t)
{
	unsigned seg = source_segment(t);
	struct emit *e = &t->e;
	struct hmem m = { .base = R8, .index = -1, .scale = 1, .guest = true };

	if (t->slow || !reachable(t, seg)) {
		struct site *s = trans_site(t, OP_SLOW_XLAT);

		s->insn.seg = (u8)seg;
		trans_call_hard(t, s, false);
		return;
	}
	emit_movzx8(e, R8, R_A);
	emit_lea(e, false, R8, (struct hmem){ .base = R_B, .index = R8, .scale = 1 });
	if (t->in.address_width == 16)
		emit_movzx16(e, R8, R8);
	if (trans_seg_class(t, seg) != CLASS_FLAT)
		m = trans_add_base(t, m, seg);
	trans_access(t, 0x8a, R_A, 1, m);
}

bool translate_string(struct trans *t)
{
	const struct string_op *s = string_op(t);
	unsigned src;

	if (t->in.mnemonic == ZYDIS_MNEMONIC_XLAT) {
		xlat(t);
		return true;
	}
	if (!s)
		return false;
	src = source_segment(t);
	if (!t->slow && !(t->key & KEY_TF) && copies(t, s, src)) {
		copy(t);
	} else if (!repeats(t) || !trans_repeat(t, s->op, element_size(t), src)) { /* 3. */
		struct site *site = trans_site(t, s->op);

		site->insn.seg = (u8)src;
		site->insn.osize = (u8)element_size(t);
		if ((!t->slow || by_device(t, s)) && !(t->key & KEY_TF) && steps(t, s, src)) {
			step(t, s, src);
		} else {
			trans_call_hard(t, site, false);
		}
	}
	return true;
}
