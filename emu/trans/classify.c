/* SPDX-License-Identifier: MIT */
/*
 * Which instructions C executes, by the tables of emu/isa/insn.def, and what it is told about them.
 * An instruction that has no row there is copied; what Zydis does not know, or an i686 with SSE4.2
 * and AVX does not have, raises #UD.
 */
#include "emu/block/block.h"
#include "emu/trans/stub_segment.h"
#include "emu/trans/trans.h"

/* What C executes must ask: copied, the processor says itself that it does not have it. */
static bool missing(const struct trans *t)
{
	ZydisISAExt ext = t->in.meta.isa_ext;

	return (ext == ZYDIS_ISA_EXT_AVX2 || ext == ZYDIS_ISA_EXT_AVX2GATHER) && !t->r->avx2;
}

static bool is_undefined(const struct trans *t)
{
	ZydisInstructionEncoding enc = t->in.encoding;

	if (enc == ZYDIS_INSTRUCTION_ENCODING_EVEX || enc == ZYDIS_INSTRUCTION_ENCODING_MVEX ||
	    enc == ZYDIS_INSTRUCTION_ENCODING_XOP || enc == ZYDIS_INSTRUCTION_ENCODING_3DNOW)
		return true;
	/* VEX exists in protected mode only (SDM 2A 2.3.8.1). */
	if (enc == ZYDIS_INSTRUCTION_ENCODING_VEX && (!(t->key & KEY_PE) || (t->key & KEY_VM)))
		return true;
	return isa_insn[t->in.mnemonic].op == OP_UD ||
	       !(isa_extension[t->in.meta.isa_ext] & EXT_HERE) || missing(t);
}

static void hard(struct trans *t, unsigned op)
{
	struct site *s = trans_site(t, op);

	s->mode = isa_op_is(op, HOW_MODE);
	trans_call_hard(t, s, isa_op_is(op, HOW_ENDS));
}

/*
 * The selector into R8, and what ESP moves by into R11, for the stub that changes the mode, too.
 * False: C has to look at the operand.
 */
static bool fetch_selector(struct trans *t, const struct site *s, bool pop)
{
	unsigned size = t->in.operand_width / 8u;
	int mi = trans_mem_operand(t);

	if (t->slow || (pop && !trans_stack_flat(t) && !trans_stack_based(t)) ||
	    (mi >= 0 && trans_mem_checked(t, &t->op[mi])))
		return false;
	if (pop)
		emit_load_zx(&t->e, t->r, 2, R8,
			     trans_stack_flat(t) ? GSP_AT(0) : trans_above16(t, size));
	else if (mi >= 0)
		emit_load_zx(&t->e, t->r, 2, R8, trans_address(t, &t->op[mi]));
	else
		emit_movzx16(&t->e, R8, trans_host_reg(s->insn.rm));
	emit_mov_imm32(&t->e, R11, pop ? size : 0);
	return true;
}

/* Loads of data segments, which kernels do at each entry and exit, have stubs of their own, or at
 * least a short way through C. */
static void load_segment(struct trans *t, unsigned op, unsigned seg)
{
	struct site *s = trans_site(t, op);
	bool pop = op == OP_POP_SEG;
	bool often = (t->key & (KEY_PE | KEY_VM | KEY_SLOW | KEY_TF)) == KEY_PE && seg != SEG_SS &&
		     seg != SEG_CS && seg <= SEG_GS && !s->insn.lock;

	s->insn.reg = (u8)seg;
	s->mode = true;
	if (trans_real_load(t, seg, pop, s))
		return;
	if (seg == SEG_SS && !(t->key & (KEY_SLOW | KEY_TF)))
		t->holds = true;
	if (!often)
		trans_call_hard(t, s, false);
	else if (trans_seg_class(t, seg) != stub_segment_class(seg) || s->insn.is_mem ||
		 !(t->key & KEY_D) || (pop && (!trans_stack_flat(t) || t->in.operand_width != 32)))
		trans_call_site(t, s,
				seg < SEG_FS && fetch_selector(t, s, pop)
					? t->r->reload[seg == SEG_DS]
					: t->r->call_segment);
	else {
		if (pop)
			emit_load_zx(&t->e, t->r, 2, R8, GSP_AT(0));
		else
			emit_movzx16(&t->e, R8, trans_host_reg(s->insn.rm));
		trans_call_site(t, s, t->r->load_segment[pop][seg]);
	}
}

static bool far_transfer(struct trans *t)
{
	bool imm = t->in.opcode == 0x9a || t->in.opcode == 0xea;
	unsigned op;
	struct site *s;

	if (t->in.meta.branch_type != ZYDIS_BRANCH_TYPE_FAR)
		return false;
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_CALL:
		op = imm ? OP_CALL_FAR_IMM : OP_CALL_FAR_MEM;
		break;
	case ZYDIS_MNEMONIC_JMP:
		op = imm ? OP_JMP_FAR_IMM : OP_JMP_FAR_MEM;
		break;
	case ZYDIS_MNEMONIC_RET:
		op = OP_RET_FAR;
		break;
	default:
		return false;
	}
	s = trans_site(t, op);
	if (imm) {
		s->insn.imm = t->op[0].ptr.offset;
		s->insn.imm2 = t->op[0].ptr.segment;
	}
	if (!trans_real_far(t, imm))
		trans_call_hard(t, s, true);
	return true;
}

static bool mov_special(struct trans *t)
{
	ZydisRegisterClass dst = ZydisRegisterGetClass(t->op[0].reg.value);
	ZydisRegisterClass src = ZydisRegisterGetClass(t->op[1].reg.value);
	bool d = t->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER,
	     s = t->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER;

	if (d && dst == ZYDIS_REGCLASS_SEGMENT) {
		load_segment(t, OP_MOV_TO_SEG, t->in.raw.modrm.reg);
	} else if (s && src == ZYDIS_REGCLASS_SEGMENT) {
		if (t->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return false;

		unsigned seg = trans_seg(t->op[1].reg.value);
		struct hmem m = SEGMENT_FIELD(seg, sel);
		unsigned reg = trans_host_reg((unsigned)trans_gpr(t->op[0].reg.value));

		trans_known_keep(t);
		trans_known_written(t, (unsigned)trans_gpr(t->op[0].reg.value),
				    t->in.operand_width);
		if (t->in.operand_width == 16)
			emit_load16(&t->e, reg, m);
		else
			emit_load_zx(&t->e, NULL, 2, reg, m);
	} else if (d && dst == ZYDIS_REGCLASS_CONTROL) {
		/* The mode knows nothing of CR3. Mostly code is mapped as before, else
		 * recomp_set_mapping() says so. */
		hard(t, t->in.raw.modrm.reg == 3 ? OP_MOV_TO_CR3 : OP_MOV_TO_CR);
	} else if (s && src == ZYDIS_REGCLASS_CONTROL) {
		hard(t, OP_MOV_FROM_CR);
	} else if (d && dst == ZYDIS_REGCLASS_DEBUG) {
		hard(t, OP_MOV_TO_DR);
	} else if (s && src == ZYDIS_REGCLASS_DEBUG) {
		hard(t, OP_MOV_FROM_DR);
	} else {
		return false;
	}
	return true;
}

/* MOV m16, sreg: the 16-bit store of a field. */
static bool mov_seg_to_mem(struct trans *t)
{
	if (t->in.opcode != 0x8c || t->in.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT ||
	    t->op[0].type != ZYDIS_OPERAND_TYPE_MEMORY)
		return false;

	unsigned seg = trans_seg(t->op[1].reg.value);

	if (t->slow || trans_mem_checked(t, &t->op[0])) {
		struct site *s = trans_site(t, OP_SLOW_STORE_SEG);

		s->insn.reg = (u8)seg;
		trans_call_hard(t, s, false);
		return true;
	}

	struct hmem m = trans_address(t, &t->op[0]);

	emit_load_zx(&t->e, NULL, 2, R10, SEGMENT_FIELD(seg, sel));
	trans_access(t, 0x89, R10, 2, m);
	return true;
}

/* SALC, not documented and on every processor: AL = CF ? FFh : 0. In flag-free steps. */
static void salc(struct trans *t)
{
	struct emit *e = &t->e;

	emit_setcc(e, CC_NC, R10);
	emit_movzx8(e, R10, R10);
	emit_lea(e, false, R10, (struct hmem){ .base = R10, .index = -1, .scale = 1, .disp = -1 });
	emit_mov8(e, R_A, R10);
}

/* The number of an XMM or YMM register. */
static unsigned vector_number(ZydisRegister r)
{
	return (unsigned)(r >= ZYDIS_REGISTER_YMM0 ? r - ZYDIS_REGISTER_YMM0
						   : r - ZYDIS_REGISTER_XMM0);
}

/* Which segment register LDS and its like load. */
static unsigned pointer_segment(const struct trans *t)
{
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_LDS:
		return SEG_DS;
	case ZYDIS_MNEMONIC_LES:
		return SEG_ES;
	case ZYDIS_MNEMONIC_LFS:
		return SEG_FS;
	case ZYDIS_MNEMONIC_LGS:
		return SEG_GS;
	default:
		return SEG_SS;
	}
}

/* What an operation needs to know besides the common form. */
static void site_details(const struct trans *t, struct site *s, unsigned op)
{
	const ZydisDecodedInstruction *in = &t->in;

	switch (op) {
	case OP_IN:
	case OP_OUT: {
		const ZydisDecodedOperand *port = &t->op[op == OP_IN ? 1 : 0];
		const ZydisDecodedOperand *data = &t->op[op == OP_IN ? 0 : 1];

		s->insn.imm = port->type == ZYDIS_OPERAND_TYPE_IMMEDIATE
				      ? (u32)port->imm.value.u & 0xff
				      : (u32)-1;
		s->insn.osize = (u8)(data->size / 8);
		break;
	}
	case OP_INS:
	case OP_OUTS:
		s->insn.imm = (u32)-1;
		s->insn.osize = in->opcode & 1 ? (in->operand_width == 16 ? 2 : 4) : 1;
		for (unsigned n = 0; n < in->operand_count; n++)
			if (t->op[n].type == ZYDIS_OPERAND_TYPE_MEMORY)
				s->insn.seg = (u8)trans_seg(t->op[n].mem.segment);
		break;
	case OP_LOAD_FAR_POINTER:
		s->insn.imm = pointer_segment(t);
		break;
	case OP_GATHER: {
		const ZydisDecodedOperandMem *m = &t->op[1].mem;

		s->insn.rm = (u8)(vector_number(m->index) & 7);
		s->insn.scale = m->scale;
		s->insn.imm = vector_number(t->op[2].reg.value) & 7;
		s->insn.imm2 =
			(u16)((in->raw.vex.L ? VECTOR_256 : 0) | (in->raw.vex.W ? VECTOR_64 : 0) |
			      (in->opcode & 1 ? VECTOR_INDEX_64 : 0));
		break;
	}
	case OP_ENTER:
		s->insn.imm = (u32)in->raw.imm[0].value.u;
		s->insn.imm2 = (u16)in->raw.imm[1].value.u;
		break;
	}
}

static bool by_table(struct trans *t, unsigned op)
{
	struct site *s;

	if (op == OP_COPY)
		return false;
	s = trans_site(t, op);
	site_details(t, s, op);
	s->mode = isa_op_is(op, HOW_MODE);
	trans_call_hard(t, s, isa_op_is(op, HOW_ENDS));
	return true;
}

bool translate_hard(struct trans *t)
{
	const ZydisDecodedInstruction *in = &t->in;

	bool lacks = trans_model_lacks(t);

	if ((isa_extension[in->meta.isa_ext] & EXT_HINT) && !lacks)
		return true;
	if (lacks || is_undefined(t)) {
		hard(t, OP_UD);
		return true;
	}
	if (translate_fpu_gate(t))
		return true;
	if (far_transfer(t))
		return true;
	if (in->mnemonic == ZYDIS_MNEMONIC_MOV && (mov_seg_to_mem(t) || mov_special(t)))
		return true;
	if (in->mnemonic == ZYDIS_MNEMONIC_POP && t->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    ZydisRegisterGetClass(t->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT) {
		load_segment(t, OP_POP_SEG, trans_seg(t->op[0].reg.value));
		return true;
	}
	if (in->mnemonic == ZYDIS_MNEMONIC_SALC) {
		salc(t);
		return true;
	}
	if (in->mnemonic == ZYDIS_MNEMONIC_RDTSC && (t->key & KEY_TSD)) {
		hard(t, OP_RDTSC);
		return true;
	}
	if (isa_insn[in->mnemonic].op == OP_LOAD_FAR_POINTER &&
	    trans_real_load_pointer(t, pointer_segment(t)))
		return true;
	return by_table(t, isa_insn[in->mnemonic].op);
}
