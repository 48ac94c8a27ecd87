/* SPDX-License-Identifier: MIT */
/*
 * Which instructions C executes: one table from mnemonic to hard operation. What is in no table of
 * this directory is copied; what Zydis does not know, or an i686 with SSE4.2 and AVX does not have,
 * raises #UD.
 */
#include "emu/cpu/block.h"
#include "emu/cpu/translate.h"

/* ends: the instruction may change the mode, so the block ends after it. */
struct hard {
	ZydisMnemonic mnemonic;
	u8 op;
	bool ends;
};

static const struct hard table[] = {
	{ ZYDIS_MNEMONIC_INT, OP_INT, true },
	{ ZYDIS_MNEMONIC_INT3, OP_INT3, true },
	{ ZYDIS_MNEMONIC_INT1, OP_INT1, true },
	{ ZYDIS_MNEMONIC_INTO, OP_INTO, true },
	{ ZYDIS_MNEMONIC_IRET, OP_IRET, true },
	{ ZYDIS_MNEMONIC_IRETD, OP_IRET, true },
	{ ZYDIS_MNEMONIC_SYSENTER, OP_SYSENTER, true },
	{ ZYDIS_MNEMONIC_SYSEXIT, OP_SYSEXIT, true },
	{ ZYDIS_MNEMONIC_LDS, OP_LOAD_FAR_POINTER, true },
	{ ZYDIS_MNEMONIC_LES, OP_LOAD_FAR_POINTER, true },
	{ ZYDIS_MNEMONIC_LFS, OP_LOAD_FAR_POINTER, true },
	{ ZYDIS_MNEMONIC_LGS, OP_LOAD_FAR_POINTER, true },
	{ ZYDIS_MNEMONIC_LSS, OP_LOAD_FAR_POINTER, true },
	{ ZYDIS_MNEMONIC_LAR, OP_LAR, false },
	{ ZYDIS_MNEMONIC_LSL, OP_LSL, false },
	{ ZYDIS_MNEMONIC_VERR, OP_VERR, false },
	{ ZYDIS_MNEMONIC_VERW, OP_VERW, false },
	{ ZYDIS_MNEMONIC_ARPL, OP_ARPL, false },
	{ ZYDIS_MNEMONIC_LGDT, OP_LGDT, false },
	{ ZYDIS_MNEMONIC_LIDT, OP_LIDT, false },
	{ ZYDIS_MNEMONIC_SGDT, OP_SGDT, false },
	{ ZYDIS_MNEMONIC_SIDT, OP_SIDT, false },
	{ ZYDIS_MNEMONIC_LLDT, OP_LLDT, false },
	{ ZYDIS_MNEMONIC_LTR, OP_LTR, false },
	{ ZYDIS_MNEMONIC_SLDT, OP_SLDT, false },
	{ ZYDIS_MNEMONIC_STR, OP_STR, false },
	{ ZYDIS_MNEMONIC_LMSW, OP_LMSW, true },
	{ ZYDIS_MNEMONIC_SMSW, OP_SMSW, false },
	{ ZYDIS_MNEMONIC_CLTS, OP_CLTS, true },
	{ ZYDIS_MNEMONIC_INVLPG, OP_INVLPG, true },
	{ ZYDIS_MNEMONIC_INVD, OP_INVD, false },
	{ ZYDIS_MNEMONIC_WBINVD, OP_WBINVD, false },
	{ ZYDIS_MNEMONIC_RDMSR, OP_RDMSR, false },
	{ ZYDIS_MNEMONIC_WRMSR, OP_WRMSR, true },
	{ ZYDIS_MNEMONIC_RDTSCP, OP_RDTSCP, false },
	{ ZYDIS_MNEMONIC_RDPMC, OP_RDPMC, false },
	{ ZYDIS_MNEMONIC_CPUID, OP_CPUID, false },
	{ ZYDIS_MNEMONIC_HLT, OP_HLT, true },
	{ ZYDIS_MNEMONIC_XGETBV, OP_XGETBV, false },
	{ ZYDIS_MNEMONIC_XSETBV, OP_XSETBV, true },
	{ ZYDIS_MNEMONIC_MONITOR, OP_MONITOR, true },
	{ ZYDIS_MNEMONIC_MWAIT, OP_MWAIT, true },
	{ ZYDIS_MNEMONIC_RSM, OP_RSM, true },
	{ ZYDIS_MNEMONIC_CLI, OP_CLI, true },
	{ ZYDIS_MNEMONIC_STI, OP_STI, true },
	{ ZYDIS_MNEMONIC_PUSHF, OP_PUSHF, false },
	{ ZYDIS_MNEMONIC_PUSHFD, OP_PUSHF, false },
	{ ZYDIS_MNEMONIC_POPF, OP_POPF, true },
	{ ZYDIS_MNEMONIC_POPFD, OP_POPF, true },
	{ ZYDIS_MNEMONIC_IN, OP_IN, false },
	{ ZYDIS_MNEMONIC_OUT, OP_OUT, false },
	{ ZYDIS_MNEMONIC_INSB, OP_INS, false },
	{ ZYDIS_MNEMONIC_INSW, OP_INS, false },
	{ ZYDIS_MNEMONIC_INSD, OP_INS, false },
	{ ZYDIS_MNEMONIC_OUTSB, OP_OUTS, false },
	{ ZYDIS_MNEMONIC_OUTSW, OP_OUTS, false },
	{ ZYDIS_MNEMONIC_OUTSD, OP_OUTS, false },
	{ ZYDIS_MNEMONIC_PUSHA, OP_PUSHA, false },
	{ ZYDIS_MNEMONIC_PUSHAD, OP_PUSHA, false },
	{ ZYDIS_MNEMONIC_POPA, OP_POPA, false },
	{ ZYDIS_MNEMONIC_POPAD, OP_POPA, false },
	{ ZYDIS_MNEMONIC_ENTER, OP_ENTER, false },
	{ ZYDIS_MNEMONIC_LEAVE, OP_LEAVE, false },
	{ ZYDIS_MNEMONIC_BOUND, OP_BOUND, false },
	{ ZYDIS_MNEMONIC_DAA, OP_DAA, false },
	{ ZYDIS_MNEMONIC_DAS, OP_DAS, false },
	{ ZYDIS_MNEMONIC_AAA, OP_AAA, false },
	{ ZYDIS_MNEMONIC_AAS, OP_AAS, false },
	{ ZYDIS_MNEMONIC_AAM, OP_AAM, false },
	{ ZYDIS_MNEMONIC_AAD, OP_AAD, false },
	{ ZYDIS_MNEMONIC_FXSAVE, OP_FXSAVE, false },
	{ ZYDIS_MNEMONIC_FXRSTOR, OP_FXRSTOR, false },
	{ ZYDIS_MNEMONIC_FNSAVE, OP_FNSAVE, false },
	{ ZYDIS_MNEMONIC_FRSTOR, OP_FRSTOR, false },
	{ ZYDIS_MNEMONIC_FNSTENV, OP_FNSTENV, false },
	{ ZYDIS_MNEMONIC_FLDENV, OP_FLDENV, false },
	{ ZYDIS_MNEMONIC_XSAVE, OP_XSAVE, false },
	{ ZYDIS_MNEMONIC_XSAVEOPT, OP_XSAVEOPT, false },
	{ ZYDIS_MNEMONIC_XRSTOR, OP_XRSTOR, false },
};

static const ZydisMnemonic undefined[] = {
	ZYDIS_MNEMONIC_SYSCALL,	 ZYDIS_MNEMONIC_SYSRET,	  ZYDIS_MNEMONIC_VMCALL,
	ZYDIS_MNEMONIC_VMLAUNCH, ZYDIS_MNEMONIC_VMRESUME, ZYDIS_MNEMONIC_VMXOFF,
	ZYDIS_MNEMONIC_VMXON,	 ZYDIS_MNEMONIC_VMREAD,	  ZYDIS_MNEMONIC_VMWRITE,
	ZYDIS_MNEMONIC_VMPTRLD,	 ZYDIS_MNEMONIC_VMPTRST,  ZYDIS_MNEMONIC_VMCLEAR,
	ZYDIS_MNEMONIC_VMMCALL,	 ZYDIS_MNEMONIC_VMRUN,	  ZYDIS_MNEMONIC_VMLOAD,
	ZYDIS_MNEMONIC_VMSAVE,	 ZYDIS_MNEMONIC_STGI,	  ZYDIS_MNEMONIC_CLGI,
	ZYDIS_MNEMONIC_SKINIT,	 ZYDIS_MNEMONIC_INVLPGA,  ZYDIS_MNEMONIC_GETSEC,
	ZYDIS_MNEMONIC_INVEPT,	 ZYDIS_MNEMONIC_INVVPID,  ZYDIS_MNEMONIC_INVPCID,
	ZYDIS_MNEMONIC_XSAVES,	 ZYDIS_MNEMONIC_XRSTORS,  ZYDIS_MNEMONIC_XSAVEC,
	ZYDIS_MNEMONIC_UD0,	 ZYDIS_MNEMONIC_UD1,	  ZYDIS_MNEMONIC_UD2,
	ZYDIS_MNEMONIC_STAC,	 ZYDIS_MNEMONIC_CLAC,	  ZYDIS_MNEMONIC_RDPKRU,
	ZYDIS_MNEMONIC_WRPKRU,	 ZYDIS_MNEMONIC_RDFSBASE, ZYDIS_MNEMONIC_RDGSBASE,
	ZYDIS_MNEMONIC_WRFSBASE, ZYDIS_MNEMONIC_WRGSBASE, ZYDIS_MNEMONIC_RDPID,
	ZYDIS_MNEMONIC_VMFUNC,	 ZYDIS_MNEMONIC_ENCLS,	  ZYDIS_MNEMONIC_ENCLU,
	ZYDIS_MNEMONIC_ENCLV,	 ZYDIS_MNEMONIC_XBEGIN,	  ZYDIS_MNEMONIC_XABORT,
	ZYDIS_MNEMONIC_XEND,	 ZYDIS_MNEMONIC_XTEST,
};

static bool is_undefined(const struct trans *t)
{
	ZydisInstructionEncoding enc = t->in.encoding;

	if (enc == ZYDIS_INSTRUCTION_ENCODING_EVEX || enc == ZYDIS_INSTRUCTION_ENCODING_MVEX ||
	    enc == ZYDIS_INSTRUCTION_ENCODING_XOP || enc == ZYDIS_INSTRUCTION_ENCODING_3DNOW)
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(undefined); i++)
		if (t->in.mnemonic == undefined[i])
			return true;
	switch (t->in.meta.isa_ext) {
	case ZYDIS_ISA_EXT_X87:
		return t->key & KEY_NOX87;
	case ZYDIS_ISA_EXT_MMX:
	case ZYDIS_ISA_EXT_SSE:
	case ZYDIS_ISA_EXT_SSE2:
	case ZYDIS_ISA_EXT_SSE3:
	case ZYDIS_ISA_EXT_SSSE3:
	case ZYDIS_ISA_EXT_SSE4:
	case ZYDIS_ISA_EXT_AVX:
	case ZYDIS_ISA_EXT_AVX2:
	case ZYDIS_ISA_EXT_FMA:
	case ZYDIS_ISA_EXT_F16C:
	case ZYDIS_ISA_EXT_AES:
	case ZYDIS_ISA_EXT_PCLMULQDQ:
		return t->key & KEY_NOSSE;
	default:
		return false;
	}
}

/* Where the arena is full: what is written is thrown away. */
static struct site nowhere;

struct site *trans_site(struct trans *t, unsigned op)
{
	struct site *s = block_alloc(t->r, sizeof(*s));
	const ZydisDecodedInstruction *in = &t->in;
	int mi = trans_mem_operand(t);
	struct insn *n;

	if (!s)
		s = &nowhere;
	n = &s->insn;
	s->eip = t->eip;
	n->op = (u16)op;
	n->len = in->length;
	n->osize = (u8)(in->operand_width / 8);
	n->asize = in->address_width == 16 ? 2 : 4;
	n->seg = SEG_DS;
	n->base = n->index = INSN_NO_REG;
	n->scale = 1;
	n->lock = (in->attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0;
	for (unsigned i = 0; i < in->raw.prefix_count; i++)
		if (in->raw.prefixes[i].value == 0xf2 || in->raw.prefixes[i].value == 0xf3)
			n->rep = in->raw.prefixes[i].value;
	n->reg = in->raw.modrm.reg;
	n->rm = in->raw.modrm.rm;
	if (mi >= 0) {
		const ZydisDecodedOperandMem *m = &t->op[mi].mem;

		n->is_mem = 1;
		n->seg = (u8)trans_seg(m->segment);
		if (trans_gpr(m->base) >= 0)
			n->base = (u8)trans_gpr(m->base);
		if (trans_gpr(m->index) >= 0) {
			n->index = (u8)trans_gpr(m->index);
			n->scale = m->scale;
		}
		if (m->disp.has_displacement)
			n->disp = (s32)m->disp.value;
	}
	if (in->raw.imm[0].size)
		n->imm = (u32)in->raw.imm[0].value.u;
	return s;
}

void trans_call_site(struct trans *t, const struct site *s, u64 stub)
{
	emit_mov_imm32(&t->e, R9, (u32)((const u8 *)s - t->r->arena));
	emit_call(&t->e, stub);
}

void trans_call_hard(struct trans *t, struct site *s, bool ends)
{
	s->ends = ends;
	trans_call_site(t, s, t->r->call_hard);
	if (ends)
		t->ended = true;
}

static void hard(struct trans *t, unsigned op, bool ends)
{
	trans_call_hard(t, trans_site(t, op), ends);
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
		hard(t, OP_MOV_TO_SEG, true);
	} else if (s && src == ZYDIS_REGCLASS_SEGMENT) {
		if (t->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return false;

		unsigned seg = trans_seg(t->op[1].reg.value);
		struct hmem m =
			cpu_field(offsetof(struct cpu, seg) + seg * sizeof(struct cpu_segment));
		unsigned reg = trans_host_reg((unsigned)trans_gpr(t->op[0].reg.value));

		if (t->in.operand_width == 16)
			emit_u8(&t->e, 0x66);
		emit_rm(&t->e, NULL, false, t->in.operand_width == 16 ? 0x8b : 0x0fb7, reg, m);
	} else if (d && dst == ZYDIS_REGCLASS_CONTROL) {
		hard(t, OP_MOV_TO_CR, true);
	} else if (s && src == ZYDIS_REGCLASS_CONTROL) {
		hard(t, OP_MOV_FROM_CR, false);
	} else if (d && dst == ZYDIS_REGCLASS_DEBUG) {
		hard(t, OP_MOV_TO_DR, true);
	} else if (s && src == ZYDIS_REGCLASS_DEBUG) {
		hard(t, OP_MOV_FROM_DR, false);
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
		struct site *s = trans_site(t, OP_SLOW_PUSH);

		s->insn.imm2 = 3; /* store the selector at the operand */
		s->insn.reg = (u8)seg;
		trans_call_hard(t, s, false);
		return true;
	}

	struct hmem m = trans_address(t, &t->op[0]);

	emit_rm(&t->e, NULL, false, 0x0fb7, R10,
		cpu_field(offsetof(struct cpu, seg) + seg * sizeof(struct cpu_segment)));
	emit_guest_prefix(&t->e, t->r, m);
	emit_u8(&t->e, 0x66);
	m.guest = false;
	emit_rm(&t->e, t->r, false, 0x89, R10, m);
	return true;
}

/* XLAT: AL = [EBX + AL] */
static void xlat(struct trans *t)
{
	struct site *s = trans_site(t, OP_SLOW_XLAT);

	for (unsigned i = 0; i < t->in.operand_count; i++)
		if (t->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			s->insn.seg = (u8)trans_seg(t->op[i].mem.segment);
	trans_call_hard(t, s, false);
}

/* SALC, not documented and on every processor: AL = CF ? FFh : 0. In flag-free steps. */
static void salc(struct trans *t)
{
	struct emit *e = &t->e;

	emit_rr(e, false, 0x0f93, 0, R10); /* setnc r10b */
	emit_rr(e, false, 0x0fb6, R10, R10);
	emit_lea(e, false, R10, (struct hmem){ .base = R10, .index = -1, .scale = 1, .disp = -1 });
	emit_rr(e, false, 0x88, R10, R_A); /* mov al, r10b */
}

bool translate_hard(struct trans *t)
{
	const ZydisDecodedInstruction *in = &t->in;

	if (is_undefined(t)) {
		hard(t, OP_UD, true);
		return true;
	}
	if (far_transfer(t))
		return true;
	if (in->mnemonic == ZYDIS_MNEMONIC_MOV && (mov_seg_to_mem(t) || mov_special(t)))
		return true;
	if (in->mnemonic == ZYDIS_MNEMONIC_POP && t->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    ZydisRegisterGetClass(t->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT) {
		struct site *s = trans_site(t, OP_POP_SEG);

		s->insn.reg = (u8)trans_seg(t->op[0].reg.value);
		trans_call_hard(t, s, true);
		return true;
	}
	if (in->mnemonic == ZYDIS_MNEMONIC_SALC) {
		salc(t);
		return true;
	}
	if (in->mnemonic == ZYDIS_MNEMONIC_XLAT) {
		xlat(t);
		return true;
	}
	if (in->mnemonic == ZYDIS_MNEMONIC_RDTSC && (t->key & KEY_TSD)) {
		hard(t, OP_RDTSC, false);
		return true;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
		struct site *s;

		if (table[i].mnemonic != in->mnemonic)
			continue;
		s = trans_site(t, table[i].op);
		switch (table[i].op) {
		case OP_IN:
		case OP_OUT: {
			const ZydisDecodedOperand *port = &t->op[table[i].op == OP_IN ? 1 : 0];
			const ZydisDecodedOperand *data = &t->op[table[i].op == OP_IN ? 0 : 1];

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
			s->insn.imm = in->mnemonic == ZYDIS_MNEMONIC_LDS   ? SEG_DS
				      : in->mnemonic == ZYDIS_MNEMONIC_LES ? SEG_ES
				      : in->mnemonic == ZYDIS_MNEMONIC_LFS ? SEG_FS
				      : in->mnemonic == ZYDIS_MNEMONIC_LGS ? SEG_GS
									   : SEG_SS;
			break;
		case OP_ENTER:
			s->insn.imm = (u32)in->raw.imm[0].value.u;
			s->insn.imm2 = (u16)in->raw.imm[1].value.u;
			break;
		}
		trans_call_hard(t, s, table[i].ends);
		return true;
	}
	return false;
}
