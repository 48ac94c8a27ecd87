/* SPDX-License-Identifier: MIT */
/*
 * What a copied instruction does to what is known of the guest's registers (trans_known.c): the
 * common ones, by their explicit operands. Behind all others nothing is known.
 */
#include "emu/trans/trans.h"

enum effect {
	EFFECT_UNKNOWN,
	EFFECT_NONE,
	EFFECT_FIRST, /* the first operand is written */
	EFFECT_BOTH,
	EFFECT_MOVED, /* it and a number make it */
	EFFECT_COPIED,
	EFFECT_EXTENDED,
	EFFECT_PRODUCT, /* EAX and EDX are */
};

static bool is_register(const ZydisDecodedOperand *o)
{
	return o->type == ZYDIS_OPERAND_TYPE_REGISTER;
}

/* CMOVcc and SETcc. */
static bool is_conditional(const struct trans *t)
{
	return t->in.opcode_map == ZYDIS_OPCODE_MAP_0F &&
	       ((t->in.opcode & 0xf0) == 0x40 || (t->in.opcode & 0xf0) == 0x90);
}

static enum effect effect_of(const struct trans *t)
{
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_CMP:
	case ZYDIS_MNEMONIC_TEST:
	case ZYDIS_MNEMONIC_CLC:
	case ZYDIS_MNEMONIC_STC:
	case ZYDIS_MNEMONIC_CMC:
		return EFFECT_NONE;
	case ZYDIS_MNEMONIC_MOV:
		return is_register(&t->op[0]) && is_register(&t->op[1]) ? EFFECT_COPIED
									: EFFECT_FIRST;
	case ZYDIS_MNEMONIC_MOVZX:
		return EFFECT_EXTENDED;
	case ZYDIS_MNEMONIC_ADD:
	case ZYDIS_MNEMONIC_SUB:
		return t->op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? EFFECT_MOVED : EFFECT_FIRST;
	case ZYDIS_MNEMONIC_INC:
	case ZYDIS_MNEMONIC_DEC:
		return EFFECT_MOVED;
	case ZYDIS_MNEMONIC_IMUL:
	case ZYDIS_MNEMONIC_MUL:
	case ZYDIS_MNEMONIC_DIV:
	case ZYDIS_MNEMONIC_IDIV:
		return t->in.operand_count_visible == 1 ? EFFECT_PRODUCT : EFFECT_FIRST;
	case ZYDIS_MNEMONIC_CBW:
	case ZYDIS_MNEMONIC_CWDE:
	case ZYDIS_MNEMONIC_CWD:
	case ZYDIS_MNEMONIC_CDQ:
		return EFFECT_PRODUCT;
	case ZYDIS_MNEMONIC_XCHG:
		return EFFECT_BOTH;
	case ZYDIS_MNEMONIC_LEA:
	case ZYDIS_MNEMONIC_MOVSX:
	case ZYDIS_MNEMONIC_ADC:
	case ZYDIS_MNEMONIC_SBB:
	case ZYDIS_MNEMONIC_AND:
	case ZYDIS_MNEMONIC_OR:
	case ZYDIS_MNEMONIC_XOR:
	case ZYDIS_MNEMONIC_NOT:
	case ZYDIS_MNEMONIC_NEG:
	case ZYDIS_MNEMONIC_ROL:
	case ZYDIS_MNEMONIC_ROR:
	case ZYDIS_MNEMONIC_RCL:
	case ZYDIS_MNEMONIC_RCR:
	case ZYDIS_MNEMONIC_SHL:
	case ZYDIS_MNEMONIC_SHR:
	case ZYDIS_MNEMONIC_SAR:
	case ZYDIS_MNEMONIC_SHLD:
	case ZYDIS_MNEMONIC_SHRD:
		return EFFECT_FIRST;
	default:
		return is_conditional(t) ? EFFECT_FIRST : EFFECT_UNKNOWN;
	}
}

/* AH..BH beside memory go through R10 (copy_high8()). */
static bool is_high8_beside_memory(const struct trans *t)
{
	bool high = false, memory = false;

	for (unsigned i = 0; i < t->in.operand_count_visible; i++) {
		high |= is_register(&t->op[i]) && trans_is_high8(t->op[i].reg.value);
		memory |= t->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY;
	}
	return high && memory;
}

static void written(struct trans *t, const ZydisDecodedOperand *o)
{
	unsigned at = is_register(o) ? o->reg.value : ZYDIS_REGISTER_NONE;
	int gpr = is_register(o) ? trans_gpr(o->reg.value) : -1;

	if (gpr >= 0)
		trans_known_written(t, (unsigned)gpr, at >= ZYDIS_REGISTER_EAX ? 32 : 16);
	else if (at >= ZYDIS_REGISTER_AL && at <= ZYDIS_REGISTER_BH)
		trans_known_written(t, (at - ZYDIS_REGISTER_AL) & 3, 8);
}

/* INC, DEC, ADD or SUB. */
static void moved(struct trans *t)
{
	const ZydisDecodedOperand *o = &t->op[0];
	int gpr = is_register(o) ? trans_gpr(o->reg.value) : -1;
	bool counts = t->in.mnemonic == ZYDIS_MNEMONIC_INC || t->in.mnemonic == ZYDIS_MNEMONIC_DEC;
	s32 by = counts ? 1 : o->size == 16 ? (s16)t->op[1].imm.value.s : (s32)t->op[1].imm.value.s;

	if (t->in.mnemonic == ZYDIS_MNEMONIC_DEC || t->in.mnemonic == ZYDIS_MNEMONIC_SUB)
		by = (s32)(0u - (u32)by);
	if (gpr >= 0 && o->size == 16)
		trans_known_moved(t, (unsigned)gpr, by);
	else
		written(t, o);
}

static void copied(struct trans *t)
{
	int to = trans_gpr(t->op[0].reg.value), from = trans_gpr(t->op[1].reg.value);

	if (to >= 0 && from >= 0)
		trans_known_copied(t, (unsigned)to, (unsigned)from, t->op[0].size);
	else
		written(t, &t->op[0]);
}

unsigned trans_effect_begin(struct trans *t)
{
	enum effect effect = t->knows ? effect_of(t) : EFFECT_UNKNOWN;

	if (effect != EFFECT_UNKNOWN && !is_high8_beside_memory(t))
		trans_known_keep(t);
	return effect;
}

void trans_effect_end(struct trans *t, unsigned effect)
{
	if (!t->keeps)
		return;
	switch (effect) {
	case EFFECT_BOTH:
		written(t, &t->op[1]);
		written(t, &t->op[0]);
		break;
	case EFFECT_FIRST:
		written(t, &t->op[0]);
		break;
	case EFFECT_MOVED:
		moved(t);
		break;
	case EFFECT_COPIED:
		copied(t);
		break;
	case EFFECT_EXTENDED:
		written(t, &t->op[0]);
		if (t->op[0].size == 32)
			trans_known_extended(t, (unsigned)trans_gpr(t->op[0].reg.value));
		break;
	case EFFECT_PRODUCT:
		trans_known_written(t, REG_EAX, 32);
		trans_known_written(t, REG_EDX, 32);
		break;
	default:
		break;
	}
}
