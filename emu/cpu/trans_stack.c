/* SPDX-License-Identifier: MIT */
/*
 * PUSH, POP, LEAVE and string instructions. Inline with a flat 32-bit stack; store first, then
 * commit ESP.
 */
#include "emu/cpu/translate.h"

static s32 stack_size(const struct trans *t)
{
	return t->in.operand_width == 16 ? 2 : 4;
}

void trans_push(struct trans *t, unsigned reg, unsigned size)
{
	struct hmem m = GSP_AT(-(s32)size);

	emit_guest_prefix(&t->e, t->r, m);
	if (size == 2)
		emit_u8(&t->e, 0x66);
	m.guest = false;
	emit_rm(&t->e, t->r, false, 0x89, reg, m);
	emit_lea(&t->e, false, R_GSP, m);
}

void trans_pop(struct trans *t, unsigned reg, unsigned size)
{
	struct hmem m = GSP_AT(0);

	emit_guest_prefix(&t->e, t->r, m);
	if (size == 2)
		emit_u8(&t->e, 0x66);
	m.guest = false;
	emit_rm(&t->e, t->r, false, 0x8b, reg, m);
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
		emit_rm(&t->e, t->r, false, stack_size(t) == 2 ? 0x0fb7 : 0x8b, R10,
			trans_address(t, o));
		store_stack(t, R10);
	} else if (trans_gpr(o->reg.value) >= 0) {
		store_stack(t, trans_host_reg((unsigned)trans_gpr(o->reg.value)));
	} else { /* segment register */
		unsigned seg = trans_seg(o->reg.value);

		emit_rm(&t->e, NULL, false, 0x0fb7, R9,
			cpu_field(offsetof(struct cpu, seg) + seg * sizeof(struct cpu_segment)));
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
	emit_rm(&t->e, t->r, false, n == 2 ? 0x0fb7 : 0x8b, R10, GSP_AT(0));
	t->esp_bias = n;
	m = trans_address(t, o);
	t->esp_bias = 0;
	emit_guest_prefix(&t->e, t->r, m);
	if (n == 2)
		emit_u8(&t->e, 0x66);
	m.guest = false;
	emit_rm(&t->e, t->r, false, 0x89, R10, m);
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

/* ESP = EBP + 4, EBP = [EBP]: loaded first, since it may fault. */
static bool leave(struct trans *t)
{
	struct hmem frame = { .base = R_BP, .index = -1, .scale = 1, .guest = true };

	if (!trans_stack_flat(t) || t->in.operand_width != 32)
		return false;
	emit_rm(&t->e, t->r, false, 0x8b, R8, frame);
	frame.disp = 4;
	emit_lea(&t->e, false, R_GSP, frame);
	emit_rr(&t->e, false, 0x89, R8, R_BP);
	return true;
}

/* PUSH or POP as C does it. */
static struct site *stack_site(struct trans *t, unsigned op)
{
	struct site *s = trans_site(t, op);
	const ZydisDecodedOperand *o = &t->op[0];

	s->insn.imm2 = 0;
	if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		s->insn.imm = (u32)o->imm.value.u;
		s->insn.imm2 = 1;
	} else if (o->type == ZYDIS_OPERAND_TYPE_REGISTER && trans_gpr(o->reg.value) >= 0) {
		s->insn.is_mem = 0;
		s->insn.rm = (u8)trans_gpr(o->reg.value);
	} else if (o->type == ZYDIS_OPERAND_TYPE_REGISTER) {
		s->insn.imm2 = 2;
		s->insn.reg = (u8)trans_seg(o->reg.value);
	}
	return s;
}

static bool push_16(struct trans *t)
{
	const ZydisDecodedOperand *o = &t->op[0];
	unsigned size = (unsigned)stack_size(t);

	if (!trans_stack_16(t))
		return false;
	if (o->type == ZYDIS_OPERAND_TYPE_MEMORY) {
		if (trans_mem_checked(t, o))
			return false;
		emit_rm(&t->e, t->r, false, size == 2 ? 0x0fb7 : 0x8b, R10, trans_address(t, o));
		trans_push16(t, R10, size, stack_site(t, OP_SLOW_PUSH));
	} else if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		trans_push16_imm(t, (u32)o->imm.value.u, size, stack_site(t, OP_SLOW_PUSH));
	} else if (trans_gpr(o->reg.value) >= 0) {
		trans_push16(t, trans_host_reg((unsigned)trans_gpr(o->reg.value)), size,
			     stack_site(t, OP_SLOW_PUSH));
	} else {
		unsigned seg = trans_seg(o->reg.value);

		emit_rm(&t->e, NULL, false, 0x0fb7, R10,
			cpu_field(offsetof(struct cpu, seg) + seg * sizeof(struct cpu_segment)));
		trans_push16(t, R10, size, stack_site(t, OP_SLOW_PUSH));
	}
	return true;
}

static bool pop_16(struct trans *t)
{
	const ZydisDecodedOperand *o = &t->op[0];

	if (!trans_stack_16(t) || o->type != ZYDIS_OPERAND_TYPE_REGISTER)
		return false;
	trans_pop16(t, trans_host_reg((unsigned)trans_gpr(o->reg.value)), (unsigned)stack_size(t),
		    0, stack_site(t, OP_SLOW_POP));
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
	case ZYDIS_MNEMONIC_LEAVE:
		return leave(t);
	default:
		return false;
	}
}

/* Copied when DS (or the override) and ES are flat and addresses have 32 bits; the destination
 * cannot have a GS base. */
bool translate_string(struct trans *t)
{
	static const struct {
		ZydisMnemonic m;
		u8 op;
		bool src, dst;
	} table[] = {
		{ ZYDIS_MNEMONIC_MOVSB, OP_MOVS, true, true },
		{ ZYDIS_MNEMONIC_MOVSW, OP_MOVS, true, true },
		{ ZYDIS_MNEMONIC_MOVSD, OP_MOVS, true, true },
		{ ZYDIS_MNEMONIC_CMPSB, OP_CMPS, true, true },
		{ ZYDIS_MNEMONIC_CMPSW, OP_CMPS, true, true },
		{ ZYDIS_MNEMONIC_CMPSD, OP_CMPS, true, true },
		{ ZYDIS_MNEMONIC_STOSB, OP_STOS, false, true },
		{ ZYDIS_MNEMONIC_STOSW, OP_STOS, false, true },
		{ ZYDIS_MNEMONIC_STOSD, OP_STOS, false, true },
		{ ZYDIS_MNEMONIC_LODSB, OP_LODS, true, false },
		{ ZYDIS_MNEMONIC_LODSW, OP_LODS, true, false },
		{ ZYDIS_MNEMONIC_LODSD, OP_LODS, true, false },
		{ ZYDIS_MNEMONIC_SCASB, OP_SCAS, false, true },
		{ ZYDIS_MNEMONIC_SCASW, OP_SCAS, false, true },
		{ ZYDIS_MNEMONIC_SCASD, OP_SCAS, false, true },
	};
	u8 opcode = t->in.opcode;

	if (t->in.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT ||
	    t->in.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
	    !((opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf)))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		unsigned src = SEG_DS;

		if (table[i].m != t->in.mnemonic)
			continue;
		if (t->in.attributes & ZYDIS_ATTRIB_HAS_SEGMENT)
			for (unsigned n = 0; n < t->in.operand_count; n++)
				if (t->op[n].type == ZYDIS_OPERAND_TYPE_MEMORY &&
				    t->op[n].mem.base != ZYDIS_REGISTER_EDI &&
				    t->op[n].mem.base != ZYDIS_REGISTER_DI)
					src = trans_seg(t->op[n].mem.segment);
		bool ok = t->in.address_width == 32 && !(t->key & KEY_SLOW) && !(t->key & KEY_TF) &&
			  (!table[i].src || trans_seg_class(t, src) == CLASS_FLAT) &&
			  (!table[i].dst ||
			   (trans_seg_class(t, SEG_ES) == CLASS_FLAT && !t->r->cfg.membase_gs));

		if (!ok) {
			struct site *s = trans_site(t, table[i].op);

			s->insn.seg = (u8)src;
			s->insn.osize = opcode & 1 ? (t->in.operand_width == 16 ? 2 : 4) : 1;
			trans_call_hard(t, s, false);
			return true;
		}
		if (t->r->cfg.membase_gs)
			emit_u8(&t->e, 0x65);
		emit_u8(&t->e, 0x67);
		if (t->in.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
			emit_u8(&t->e, 0xf3);
		else if (t->in.attributes & ZYDIS_ATTRIB_HAS_REPNE)
			emit_u8(&t->e, 0xf2);
		if ((opcode & 1) && t->in.operand_width == 16)
			emit_u8(&t->e, 0x66);
		emit_u8(&t->e, opcode);
		return true;
	}
	return false;
}
