/* SPDX-License-Identifier: MIT */
/*
 * PUSH and POP. Inline with a flat 32-bit stack; store first, then commit ESP.
 */
#include "emu/trans/trans.h"

static s32 stack_size(const struct trans *t)
{
	return t->in.operand_width == 16 ? 2 : 4;
}

void trans_push(struct trans *t, unsigned reg, unsigned size)
{
	struct hmem m = GSP_AT(-(s32)size);

	trans_access(t, 0x89, reg, size, m);
	emit_lea(&t->e, false, R_GSP, m);
}

void trans_pop(struct trans *t, unsigned reg, unsigned size)
{
	struct hmem m = GSP_AT(0);

	trans_access(t, 0x8b, reg, size, m);
	if (reg != R_GSP)
		emit_lea(&t->e, false, R_GSP, GSP_AT((s32)size));
}

static void store_stack(struct trans *t, unsigned reg)
{
	trans_push(t, reg, (unsigned)stack_size(t));
}

static bool push(struct trans *t)
{
	const ZydisDecodedOperand *o = &t->op[0];

	if (!trans_stack_flat(t))
		return false;
	if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		emit_mov_imm32(&t->e, R9, (u32)o->imm.value.u);
		store_stack(t, R9);
	} else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		if (trans_mem_checked(t, o))
			return false;
		emit_load_zx(&t->e, t->r, (unsigned)stack_size(t), R10, trans_address(t, o));
		store_stack(t, R10);
	} else if (trans_gpr(o->reg.value) >= 0) {
		store_stack(t, trans_host_reg((unsigned)trans_gpr(o->reg.value)));
	} else { /* segment register */
		unsigned seg = trans_seg(o->reg.value);

		emit_load_zx(&t->e, NULL, 2, R9, SEGMENT_FIELD(seg, sel));
		store_stack(t, R9);
	}
	return true;
}

/* An address with ESP in it sees the new value. */
static bool pop_mem(struct trans *t, const ZydisDecodedOperand *o)
{
	s32 n = stack_size(t);
	struct hmem m;

	if (trans_mem_checked(t, o))
		return false;
	emit_load_zx(&t->e, t->r, (unsigned)n, R10, GSP_AT(0));
	t->esp_bias = n;
	m = trans_address(t, o);
	t->esp_bias = 0;
	trans_access(t, 0x89, R10, (unsigned)n, m);
	emit_lea(&t->e, false, R_GSP, GSP_AT(n));
	return true;
}

static bool pop(struct trans *t)
{
	const ZydisDecodedOperand *o = &t->op[0];

	if (!trans_stack_flat(t))
		return false;
	if (o->type == ZYDIS_OPERAND_TYPE_MEMORY)
		return pop_mem(t, o);

	trans_pop(t, trans_host_reg((unsigned)trans_gpr(o->reg.value)), (unsigned)stack_size(t));
	return true;
}

/* PUSH or POP as C does it. */
static struct site *stack_site(struct trans *t, unsigned op)
{
	struct site *s = trans_site(t, op);
	const ZydisDecodedOperand *o = &t->op[0];

	if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		s->insn.imm = (u32)o->imm.value.u;
		s->insn.is_imm = 1;
	} else if (o->type == ZYDIS_OPERAND_TYPE_REGISTER && trans_gpr(o->reg.value) >= 0) {
		s->insn.is_mem = 0;
		s->insn.rm = (u8)trans_gpr(o->reg.value);
	} else if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) {
		s->insn.op = OP_SLOW_PUSH_SEG;
		s->insn.reg = (u8)trans_seg(o->reg.value);
	}
	return s;
}

/* R9 is free for what is pushed once the stack was looked at, if its base is elsewhere. */
static void push_through_r9(struct trans *t, const ZydisDecodedOperand *o, struct hmem field)
{
	unsigned size = (unsigned)stack_size(t);
	struct hmem to = trans_below16(t, size);
	bool memory = o->type == ZYDIS_OPERAND_TYPE_MEMORY;

	emit_load_zx(&t->e, memory ? t->r : NULL, memory ? size : 2, R9,
		     memory ? trans_address(t, o) : field);
	trans_access(t, 0x89, R9, size, to);
	trans_move_sp(t, -(s32)size);
}

static bool push_16(struct trans *t)
{
	const ZydisDecodedOperand *o = &t->op[0];
	unsigned size = (unsigned)stack_size(t);

	if (!trans_stack_based(t))
		return false;
	trans_known_keep(t);
	if (o->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		if (trans_mem_checked(t, o))
			return false;
		if (trans_stack_known(t)) {
			push_through_r9(t, o, (struct hmem){ 0 });
			return true;
		}
		t->keeps = false;
		emit_load_zx(&t->e, t->r, size, R10, trans_address(t, o));
		trans_push16(t, R10, size);
	} else if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		trans_push16_imm(t, (u32)o->imm.value.u, size);
	} else if (trans_gpr(o->reg.value) >= 0) {
		trans_push16(t, trans_host_reg((unsigned)trans_gpr(o->reg.value)), size);
	} else {
		unsigned seg = trans_seg(o->reg.value);
		if (trans_stack_known(t)) {
			push_through_r9(t, o, SEGMENT_FIELD(seg, sel));
			return true;
		}
		t->keeps = false;
		emit_load_zx(&t->e, NULL, 2, R10, SEGMENT_FIELD(seg, sel));
		trans_push16(t, R10, size);
	}
	return true;
}

/* To memory, but where the address is made of ESP, whose new value it would see. */
static bool pop_mem_16(struct trans *t, const ZydisDecodedOperand *o)
{
	unsigned n = (unsigned)stack_size(t);

	if (trans_mem_checked(t, o) || trans_gpr(o->mem.base) == REG_ESP)
		return false;
	emit_load_zx(&t->e, t->r, n, R10, trans_above16(t, n));
	trans_access(t, 0x89, R10, n, trans_address(t, o));
	trans_move_sp(t, (s32)n);
	return true;
}

static bool pop_16(struct trans *t)
{
	const ZydisDecodedOperand *o = &t->op[0];

	if (!trans_stack_based(t))
		return false;
	if (o->type == ZYDIS_OPERAND_TYPE_MEMORY)
		return pop_mem_16(t, o);
	trans_known_keep(t);
	trans_pop16(t, trans_host_reg((unsigned)trans_gpr(o->reg.value)), (unsigned)stack_size(t));
	return true;
}

bool translate_stack(struct trans *t)
{
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
		if (!push(t) && !push_16(t))
			trans_call_hard(t, stack_site(t, OP_SLOW_PUSH), false);
		return true;
	case ZYDIS_MNEMONIC_POP:
		if (t->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    trans_gpr(t->op[0].reg.value) < 0)
			return false; /* segment register */
		if (!pop(t) && !pop_16(t))
			trans_call_hard(t, stack_site(t, OP_SLOW_POP), false);
		return true;
	default:
		return false;
	}
}
