/* SPDX-License-Identifier: MIT */
/*
 * The decoder's short way: the frequent one-byte and two-byte opcodes of general registers, with
 * 66h, 67h and a segment's prefix, in code of 16 and 32 bits, from two tables. It leaves what Zydis
 * would, as far as the translator looks at it (tests/unit/test_decode.c compares all forms): the
 * explicit operands only, and no actions of registers. What is not in the tables goes to Zydis,
 * which takes ten times as long.
 */
#include "emu/trans/trans.h"
#include "kernel/base/bytes.h"

/* Operands, as SDM 2D A.2 writes them: E is r/m, G the register of ModRM, A the accumulator, R a
 * register in the opcode, I an immediate, O a bare address, J a displacement of EIP, D is DX. */
enum form {
	NONE,
	E_G,
	G_E,
	G_M, /* LEA: no access */
	E_I,
	E_IS, /* a byte with a sign */
	E_ONE,
	E_CL,
	E_ONLY,
	G_E8,
	G_E16,
	E8_ONLY, /* SETcc; the last one with ModRM */
	A_I,
	R_ONLY,
	R_I,
	A_O,
	O_A,
	J_BYTE,
	J_WIDE,
	I_BYTE, /* PUSH */
	I_WIDE,
	A_PORT,
	PORT_A,
	A_DX,
	DX_A,
	NOTHING,
};

struct row {
	u16 mnemonic; /* or, of a group, its number */
	u8 form;
	bool byte, group;
};

#define M(name) ZYDIS_MNEMONIC_##name
#define TWICE(m, f)                                 \
	{ .mnemonic = m, .form = f, .byte = true }, \
	{                                           \
		.mnemonic = m, .form = f            \
	}
#define ALU(m) TWICE(M(m), E_G), TWICE(M(m), G_E), TWICE(M(m), A_I)
#define GROUP(n, f, b)                                             \
	{                                                          \
		.mnemonic = n, .form = f, .byte = b, .group = true \
	}
#define ROW(m, f)                           \
	{                                   \
		.mnemonic = M(m), .form = f \
	}
#define BYTES(m, f)                                       \
	{                                                 \
		.mnemonic = M(m), .form = f, .byte = true \
	}
#define EIGHT(r) r, r, r, r, r, r, r, r
#define JCC(f)                                                                                  \
	ROW(JO, f), ROW(JNO, f), ROW(JB, f), ROW(JNB, f), ROW(JZ, f), ROW(JNZ, f), ROW(JBE, f), \
		ROW(JNBE, f), ROW(JS, f), ROW(JNS, f), ROW(JP, f), ROW(JNP, f), ROW(JL, f),     \
		ROW(JNL, f), ROW(JLE, f), ROW(JNLE, f)

enum group { GROUP_1, GROUP_2, GROUP_3, GROUP_4, GROUP_5, GROUP_11 };

/* 0, which is Zydis' invalid one: not here. */
static const u16 group[][8] = {
	[GROUP_1] = { M(ADD), M(OR), M(ADC), M(SBB), M(AND), M(SUB), M(XOR), M(CMP) },
	[GROUP_2] = { M(ROL), M(ROR), M(RCL), M(RCR), M(SHL), M(SHR), 0, M(SAR) },
	[GROUP_3] = { M(TEST), 0, M(NOT), M(NEG), M(MUL), M(IMUL), M(DIV), M(IDIV) },
	[GROUP_4] = { M(INC), M(DEC) },
	[GROUP_5] = { M(INC), M(DEC), M(CALL), 0, M(JMP), 0, M(PUSH), 0 },
	[GROUP_11] = { M(MOV) },
};

static const struct row one_byte[256] = {
	[0x00] = ALU(ADD),
	[0x08] = ALU(OR),
	[0x10] = ALU(ADC),
	[0x18] = ALU(SBB),
	[0x20] = ALU(AND),
	[0x28] = ALU(SUB),
	[0x30] = ALU(XOR),
	[0x38] = ALU(CMP),
	[0x40] = EIGHT(ROW(INC, R_ONLY)),
	[0x48] = EIGHT(ROW(DEC, R_ONLY)),
	[0x50] = EIGHT(ROW(PUSH, R_ONLY)),
	[0x58] = EIGHT(ROW(POP, R_ONLY)),
	[0x68] = ROW(PUSH, I_WIDE),
	[0x6a] = ROW(PUSH, I_BYTE),
	[0x70] = JCC(J_BYTE),
	[0x80] = GROUP(GROUP_1, E_I, true),
	GROUP(GROUP_1, E_I, false),
	[0x83] = GROUP(GROUP_1, E_IS, false),
	TWICE(M(TEST), E_G),
	TWICE(M(XCHG), E_G),
	TWICE(M(MOV), E_G),
	TWICE(M(MOV), G_E),
	[0x8d] = ROW(LEA, G_M),
	[0xa0] = TWICE(M(MOV), A_O),
	TWICE(M(MOV), O_A),
	[0xa8] = TWICE(M(TEST), A_I),
	[0xb0] = EIGHT(BYTES(MOV, R_I)),
	EIGHT(ROW(MOV, R_I)),
	[0xc0] = GROUP(GROUP_2, E_IS, true),
	GROUP(GROUP_2, E_IS, false),
	[0xc3] = ROW(RET, NOTHING),
	[0xc6] = GROUP(GROUP_11, E_I, true),
	GROUP(GROUP_11, E_I, false),
	[0xd0] = GROUP(GROUP_2, E_ONE, true),
	GROUP(GROUP_2, E_ONE, false),
	GROUP(GROUP_2, E_CL, true),
	GROUP(GROUP_2, E_CL, false),
	[0xe4] = TWICE(M(IN), A_PORT),
	TWICE(M(OUT), PORT_A),
	ROW(CALL, J_WIDE),
	ROW(JMP, J_WIDE),
	[0xeb] = ROW(JMP, J_BYTE),
	TWICE(M(IN), A_DX),
	TWICE(M(OUT), DX_A),
	[0xf6] = GROUP(GROUP_3, E_ONLY, true),
	GROUP(GROUP_3, E_ONLY, false),
	[0xfe] = GROUP(GROUP_4, E_ONLY, true),
	GROUP(GROUP_5, E_ONLY, false),
};

static const struct row two_byte[256] = {
	[0x80] = JCC(J_WIDE),	[0x90] = BYTES(SETO, E8_ONLY),
	BYTES(SETNO, E8_ONLY),	BYTES(SETB, E8_ONLY),
	BYTES(SETNB, E8_ONLY),	BYTES(SETZ, E8_ONLY),
	BYTES(SETNZ, E8_ONLY),	BYTES(SETBE, E8_ONLY),
	BYTES(SETNBE, E8_ONLY), [0xb6] = ROW(MOVZX, G_E8),
	ROW(MOVZX, G_E16),	[0xbe] = ROW(MOVSX, G_E8),
	ROW(MOVSX, G_E16),
};

struct shortly {
	struct trans *t;
	const u8 *p;		     /* the next byte */
	unsigned seg;		     /* of a prefix, or SEG_COUNT */
	unsigned osize, asize, size; /* in bits; size: of the operation */
	u8 modrm;
};

static ZydisRegister general(unsigned n, unsigned size)
{
	ZydisRegister first = size == 8	   ? ZYDIS_REGISTER_AL
			      : size == 16 ? ZYDIS_REGISTER_AX
					   : ZYDIS_REGISTER_EAX;

	return (ZydisRegister)(first + n);
}

static ZydisDecodedOperand *operand(struct shortly *d, ZydisOperandType type, unsigned size,
				    ZydisOperandEncoding encoding)
{
	ZydisDecodedOperand *o = &d->t->op[d->t->in.operand_count++];

	o->type = type;
	o->visibility = ZYDIS_OPERAND_VISIBILITY_EXPLICIT;
	o->encoding = encoding;
	o->size = (ZyanU16)size;
	o->actions = 0;
	return o;
}

static void add_reg(struct shortly *d, ZydisRegister r, unsigned size,
		    ZydisOperandEncoding encoding)
{
	operand(d, ZYDIS_OPERAND_TYPE_REGISTER, size, encoding)->reg.value = r;
}

/* So many bytes, with a sign or not. They come once in an instruction. */
static void add_imm(struct shortly *d, unsigned bytes, bool sign, bool relative)
{
	ZydisDecodedOperand *o =
		operand(d, ZYDIS_OPERAND_TYPE_IMMEDIATE, relative || !sign ? bytes * 8 : d->size,
			relative ? ZYDIS_OPERAND_ENCODING_JIMM8 : ZYDIS_OPERAND_ENCODING_UIMM8);
	ZydisDecodedInstruction *in = &d->t->in;
	u32 v = bytes == 1 ? *d->p : bytes == 2 ? get_le16(d->p) : get_le32(d->p);

	in->raw.imm[0].size = (ZyanU8)(bytes * 8);
	in->raw.imm[0].offset = (ZyanU8)(d->p - d->t->bytes);
	d->p += bytes;
	if (sign)
		o->imm.value.s = bytes == 1 ? (s8)v : bytes == 2 ? (s16)v : (s32)v;
	else
		o->imm.value.u = v;
	in->raw.imm[0].value.u = o->imm.value.u;
}

static void set_mem(struct shortly *d, ZydisDecodedOperand *o, ZydisRegister base,
		    ZydisRegister index, unsigned scale, unsigned disp_bytes)
{
	s32 disp = disp_bytes == 1   ? (s8)*d->p
		   : disp_bytes == 2 ? (s16)get_le16(d->p)
		   : disp_bytes == 4 ? (s32)get_le32(d->p)
				     : 0;
	bool stack = base == ZYDIS_REGISTER_BP || base == ZYDIS_REGISTER_EBP ||
		     base == ZYDIS_REGISTER_ESP;

	d->p += disp_bytes;
	o->mem.type = ZYDIS_MEMOP_TYPE_MEM;
	o->mem.segment = (ZydisRegister)(ZYDIS_REGISTER_ES + (d->seg < SEG_COUNT ? d->seg
							      : stack		 ? SEG_SS
										 : SEG_DS));
	o->mem.base = base;
	o->mem.index = index;
	o->mem.scale = (ZyanU8)scale;
	o->mem.disp.has_displacement = disp_bytes != 0;
	o->mem.disp.value = disp;
}

/* SDM 2A, table 2-1. */
static void mem16(struct shortly *d, ZydisDecodedOperand *o)
{
	static const u16 base[8] = { ZYDIS_REGISTER_BX, ZYDIS_REGISTER_BX, ZYDIS_REGISTER_BP,
				     ZYDIS_REGISTER_BP, ZYDIS_REGISTER_SI, ZYDIS_REGISTER_DI,
				     ZYDIS_REGISTER_BP, ZYDIS_REGISTER_BX };
	unsigned mod = d->modrm >> 6, rm = d->modrm & 7;
	ZydisRegister index = rm >= 4  ? ZYDIS_REGISTER_NONE
			      : rm & 1 ? ZYDIS_REGISTER_DI
				       : ZYDIS_REGISTER_SI;

	if (mod == 0 && rm == 6)
		set_mem(d, o, ZYDIS_REGISTER_NONE, ZYDIS_REGISTER_NONE, 0, 2);
	else
		set_mem(d, o, (ZydisRegister)base[rm], index, rm < 4, mod);
}

/* SDM 2A, tables 2-2 and 2-3. */
static void mem32(struct shortly *d, ZydisDecodedOperand *o)
{
	unsigned mod = d->modrm >> 6, base = d->modrm & 7, scale = 0;
	ZydisRegister index = ZYDIS_REGISTER_NONE;

	if (base == REG_ESP) {
		u8 sib = *d->p++;

		base = sib & 7;
		if ((sib >> 3 & 7) != REG_ESP) {
			index = general(sib >> 3 & 7, 32);
			scale = 1u << (sib >> 6);
		}
	}
	if (mod == 0 && base == REG_EBP)
		set_mem(d, o, ZYDIS_REGISTER_NONE, index, scale, 4);
	else
		set_mem(d, o, general(base, 32), index, scale, mod == 2 ? 4 : mod);
}

static void add_rm(struct shortly *d, unsigned size)
{
	ZydisDecodedOperand *o;

	if (d->modrm >= 0xc0) {
		add_reg(d, general(d->modrm & 7, size), size, ZYDIS_OPERAND_ENCODING_MODRM_RM);
		return;
	}
	o = operand(d, ZYDIS_OPERAND_TYPE_MEMORY, size, ZYDIS_OPERAND_ENCODING_MODRM_RM);
	if (d->asize == 16)
		mem16(d, o);
	else
		mem32(d, o);
}

static void add_g(struct shortly *d, unsigned size)
{
	add_reg(d, general(d->modrm >> 3 & 7, size), size, ZYDIS_OPERAND_ENCODING_MODRM_REG);
}

static void add_accumulator(struct shortly *d)
{
	add_reg(d, general(0, d->size), d->size, ZYDIS_OPERAND_ENCODING_NONE);
}

static void add_address(struct shortly *d)
{
	set_mem(d,
		operand(d, ZYDIS_OPERAND_TYPE_MEMORY, d->size, ZYDIS_OPERAND_ENCODING_DISP16_32_64),
		ZYDIS_REGISTER_NONE, ZYDIS_REGISTER_NONE, 0, d->asize / 8);
}

static void add_dx(struct shortly *d)
{
	add_reg(d, ZYDIS_REGISTER_DX, 16, ZYDIS_OPERAND_ENCODING_NONE);
}

/* An operand of memory is the only one whose actions anybody looks at. */
static void set_actions(struct trans *t, unsigned which, bool reads, bool writes)
{
	t->op[which].actions = (ZyanU8)((reads ? ZYDIS_OPERAND_ACTION_READ : 0) |
					(writes ? ZYDIS_OPERAND_ACTION_WRITE : 0));
}

static void memory_actions(struct trans *t)
{
	ZydisMnemonic m = t->in.mnemonic;
	bool only_reads =
		m == ZYDIS_MNEMONIC_CMP || m == ZYDIS_MNEMONIC_TEST || m == ZYDIS_MNEMONIC_MUL ||
		m == ZYDIS_MNEMONIC_IMUL || m == ZYDIS_MNEMONIC_DIV || m == ZYDIS_MNEMONIC_IDIV ||
		m == ZYDIS_MNEMONIC_CALL || m == ZYDIS_MNEMONIC_JMP || m == ZYDIS_MNEMONIC_PUSH;
	bool only_writes = m == ZYDIS_MNEMONIC_MOV || t->in.opcode_map == ZYDIS_OPCODE_MAP_0F;

	set_actions(t, 0, !only_writes, !only_reads);
}

static void add_wide_imm(struct shortly *d)
{
	add_imm(d, d->size / 8, true, false);
}

/* False: not here. */
static bool operands_of_rm(struct shortly *d, enum form form)
{
	struct trans *t = d->t;

	switch (form) {
	case E_G:
		add_rm(d, d->size);
		add_g(d, d->size);
		break;
	case G_E:
	case G_E8:
	case G_E16:
	case G_M:
		add_g(d, d->size);
		add_rm(d, form == G_E8 ? 8 : form == G_E16 ? 16 : d->size);
		set_actions(t, 1, form != G_M, false);
		if (form == G_M && d->modrm >= 0xc0)
			return false;
		if (form == G_M)
			t->op[1].mem.type = ZYDIS_MEMOP_TYPE_AGEN;
		return true;
	case E_I:
		add_rm(d, d->size);
		add_wide_imm(d);
		break;
	case E_IS:
		add_rm(d, d->size);
		add_imm(d, 1, !(t->in.opcode & 0x40), false);
		break;
	case E_ONE:
		add_rm(d, d->size);
		operand(d, ZYDIS_OPERAND_TYPE_IMMEDIATE, 8, ZYDIS_OPERAND_ENCODING_NONE)
			->imm.value.u = 1;
		break;
	case E_CL:
		add_rm(d, d->size);
		add_reg(d, ZYDIS_REGISTER_CL, 8, ZYDIS_OPERAND_ENCODING_NONE);
		break;
	default:
		add_rm(d, d->size);
		/* TEST, alone in its group, has an immediate. */
		if (t->in.mnemonic == ZYDIS_MNEMONIC_TEST)
			add_wide_imm(d);
		break;
	}
	memory_actions(t);
	return true;
}

static void other_operands(struct shortly *d, enum form form)
{
	unsigned reg = d->t->in.opcode & 7u;

	switch (form) {
	case A_I:
		add_accumulator(d);
		add_wide_imm(d);
		break;
	case R_ONLY:
	case R_I:
		add_reg(d, general(reg, d->size), d->size, ZYDIS_OPERAND_ENCODING_OPCODE);
		if (form == R_I)
			add_wide_imm(d);
		break;
	case A_O:
	case O_A:
		if (form == A_O)
			add_accumulator(d);
		add_address(d);
		set_actions(d->t, form == A_O, form == A_O, form == O_A);
		if (form == O_A)
			add_accumulator(d);
		break;
	case J_BYTE:
		add_imm(d, 1, true, true);
		break;
	case J_WIDE:
		add_imm(d, d->osize / 8, true, true);
		break;
	case I_BYTE:
		add_imm(d, 1, true, false);
		break;
	case I_WIDE:
		add_imm(d, d->osize / 8, true, false);
		break;
	case A_PORT:
	case A_DX:
		add_accumulator(d);
		if (form == A_DX)
			add_dx(d);
		else
			add_imm(d, 1, false, false);
		break;
	case PORT_A:
	case DX_A:
		if (form == DX_A)
			add_dx(d);
		else
			add_imm(d, 1, false, false);
		add_accumulator(d);
		break;
	default:
		break;
	}
}

/* 66h, 67h and a segment's, each once. False: others, or more. */
static bool prefixes(struct shortly *d)
{
	ZydisDecodedInstruction *in = &d->t->in;
	bool p66 = false, p67 = false;

	for (in->raw.prefix_count = 0;; d->p++) {
		switch (*d->p) {
		case 0x66:
			if (p66)
				return false;
			p66 = true;
			d->osize ^= 16 ^ 32;
			break;
		case 0x67:
			if (p67)
				return false;
			p67 = true;
			d->asize ^= 16 ^ 32;
			break;
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
			if (d->seg < SEG_COUNT)
				return false;
			d->seg = *d->p >> 3 & 3;
			break;
		case 0x64:
		case 0x65:
			if (d->seg < SEG_COUNT)
				return false;
			d->seg = *d->p & 7;
			break;
		default:
			return true;
		}
		in->raw.prefixes[in->raw.prefix_count++].value = *d->p;
	}
}

static void describe(struct shortly *d, bool wide, const struct row *row)
{
	ZydisDecodedInstruction *in = &d->t->in;

	in->mnemonic = (ZydisMnemonic)row->mnemonic;
	in->encoding = ZYDIS_INSTRUCTION_ENCODING_LEGACY;
	in->opcode_map = wide ? ZYDIS_OPCODE_MAP_0F : ZYDIS_OPCODE_MAP_DEFAULT;
	in->operand_width = (ZyanU8)d->size;
	in->address_width = (ZyanU8)d->asize;
	in->attributes = 0;
	in->operand_count = 0;
	in->raw.imm[0].size = in->raw.imm[1].size = in->raw.disp.size = 0;
	in->meta.category = ZYDIS_CATEGORY_INVALID; /* none that anybody asks for */
	in->meta.isa_set = ZYDIS_ISA_SET_I386;
	in->meta.isa_ext = ZYDIS_ISA_EXT_BASE;
	in->meta.branch_type = ZYDIS_BRANCH_TYPE_NONE;
}

static bool takes_modrm(struct shortly *d, const struct row *row)
{
	ZydisDecodedInstruction *in = &d->t->in;

	d->modrm = *d->p++;
	in->attributes = ZYDIS_ATTRIB_HAS_MODRM;
	in->raw.modrm.mod = d->modrm >> 6;
	in->raw.modrm.reg = d->modrm >> 3 & 7;
	in->raw.modrm.rm = d->modrm & 7;
	if (row->group)
		in->mnemonic = (ZydisMnemonic)group[row->mnemonic][in->raw.modrm.reg];
	return in->mnemonic != ZYDIS_MNEMONIC_INVALID && operands_of_rm(d, row->form);
}

/* Who translates it. */
static enum trans_part part(struct trans *t, const struct row *row)
{
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
	case ZYDIS_MNEMONIC_POP:
		return TRANS_STACK;
	case ZYDIS_MNEMONIC_CALL:
	case ZYDIS_MNEMONIC_JMP:
	case ZYDIS_MNEMONIC_RET:
		t->in.meta.branch_type = ZYDIS_BRANCH_TYPE_NEAR;
		return TRANS_CONTROL;
	default:
		break;
	}
	if (row->form == J_BYTE || row->form == J_WIDE) {
		t->in.meta.branch_type = ZYDIS_BRANCH_TYPE_NEAR;
		t->in.meta.category = ZYDIS_CATEGORY_COND_BR;
		return TRANS_CONTROL;
	}
	return isa_insn[t->in.mnemonic].op == OP_COPY ? TRANS_COPY : TRANS_HARD;
}

enum trans_part trans_decode_short(struct trans *t)
{
	unsigned width = t->key & KEY_D ? 32 : 16;
	struct shortly d = {
		.t = t, .p = t->bytes, .seg = SEG_COUNT, .osize = width, .asize = width
	};
	const struct row *row;
	bool wide;

	if (t->have < INSN_MAX || !prefixes(&d))
		return TRANS_UNKNOWN;
	wide = *d.p == 0x0f;
	d.p += wide;
	row = (wide ? two_byte : one_byte) + *d.p;
	if (row->form == NONE)
		return TRANS_UNKNOWN;
	t->in.opcode = *d.p++;
	d.size = row->byte ? 8 : d.osize;
	describe(&d, wide, row);
	if (row->form <= E8_ONLY) {
		if (!takes_modrm(&d, row))
			return TRANS_UNKNOWN;
	} else {
		other_operands(&d, row->form);
	}
	t->in.operand_count_visible = t->in.operand_count;
	t->op[t->in.operand_count].type = ZYDIS_OPERAND_TYPE_UNUSED; /* RET has no first one */
	t->in.length = (ZyanU8)(d.p - t->bytes);
	return part(t, row);
}
