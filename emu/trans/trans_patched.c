/* SPDX-License-Identifier: MIT */
/*
 * Instructions whose immediate a program writes anew each time, as in
 *
 *     mov [number + 1], al ... number: int 0
 *
 * In a block that verifies itself such an immediate is not compared: it is loaded to cpu->patched,
 * under the instruction's number in the block, when the block is entered (trans_check.c), and the
 * instruction takes it from there. What has another form is made anew when it has changed.
 */
#include "emu/trans/trans.h"

/* The digit of ADD to CMP in their opcodes, or -1. */
static int alu_digit(ZydisMnemonic m)
{
	static const ZydisMnemonic alu[] = {
		ZYDIS_MNEMONIC_ADD, ZYDIS_MNEMONIC_OR,	ZYDIS_MNEMONIC_ADC, ZYDIS_MNEMONIC_SBB,
		ZYDIS_MNEMONIC_AND, ZYDIS_MNEMONIC_SUB, ZYDIS_MNEMONIC_XOR, ZYDIS_MNEMONIC_CMP,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(alu); i++)
		if (alu[i] == m)
			return (int)i;
	return -1;
}

/* A register that translated code can use beside R15, of which REX takes AH to BH away. */
static bool reaches(const ZydisDecodedOperand *o)
{
	return o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       (trans_gpr(o->reg.value) >= 0 ||
		(o->reg.value >= ZYDIS_REGISTER_AL && o->reg.value <= ZYDIS_REGISTER_BL));
}

bool trans_patchable(const struct trans *t)
{
	if (!t->in.raw.imm[0].size || (t->in.attributes & ZYDIS_ATTRIB_HAS_LOCK))
		return false;
	if (t->in.mnemonic == ZYDIS_MNEMONIC_INT)
		return true;
	return (t->in.mnemonic == ZYDIS_MNEMONIC_MOV || alu_digit(t->in.mnemonic) >= 0) &&
	       reaches(&t->op[0]) && t->op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
}

static struct hmem place(unsigned n)
{
	return cpu_field(offsetof(struct cpu, patched) + n * sizeof(u32));
}

void trans_load_patched(struct trans *t, unsigned n, gla_t imm, unsigned size)
{
	struct hmem at = { .base = -1, .index = -1, .scale = 1, .disp = (s32)imm, .guest = true };

	emit_load_zx(&t->e, t->r, size, R11, at);
	emit_store32(&t->e, R11, place(n));
}

static void interrupt(struct trans *t, unsigned n)
{
	unsigned op = isa_insn[t->in.mnemonic].op;
	struct site *s = trans_site(t, OP_SLOW_PATCHED);

	s->insn.imm2 = (u16)op;
	s->insn.reg = (u8)n;
	s->mode = isa_op_is(op, HOW_MODE);
	trans_call_hard(t, s, isa_op_is(op, HOW_ENDS));
}

bool translate_patched(struct trans *t)
{
	unsigned n = t->insns - 1, size = t->op[0].size, reg;
	int digit = alu_digit(t->in.mnemonic);
	u32 opcode = digit < 0 ? 0x8a : (u32)digit << 3 | 2; /* r8, r/m8 */
	struct emit *e = &t->e;

	if (!trans_is_patched(t, n))
		return false;
	if (t->in.mnemonic == ZYDIS_MNEMONIC_INT) {
		interrupt(t, n);
		return true;
	}
	if (size == 8) {
		emit_rm(e, NULL, false, opcode, t->op[0].reg.value - ZYDIS_REGISTER_AL, place(n));
		return true;
	}
	reg = trans_host_reg((unsigned)trans_gpr(t->op[0].reg.value));
	if (t->in.raw.imm[0].size < size)
		emit_rm(e, NULL, false, 0x0fbe, R10, place(n)); /* it is extended by its sign */
	if (size == 16)
		emit_u8(e, 0x66);
	if (t->in.raw.imm[0].size < size)
		emit_rr(e, false, opcode | 1, reg, R10);
	else
		emit_rm(e, NULL, false, opcode | 1, reg, place(n));
	return true;
}
