/* SPDX-License-Identifier: MIT */
/*
 * The decoder's short way: the frequent one-byte and two-byte opcodes of general and segment
 * registers, with 66h, 67h and a segment's prefix, in code of 16 and 32 bits, and string
 * instructions with REP, from two tables. It leaves what Zydis would, as far as the translator
 * looks at it (tests/unit/test_decode.c compares all forms): the explicit operands only, of a
 * string instruction where it reads from, and no actions of registers. What is not in the tables
 * goes to Zydis, which takes ten times as long.
 */
#include "emu/trans/decode_table.h"
#include "emu/trans/trans.h"
#include "kernel/base/bytes.h"

struct shortly {
	struct trans *t;
	const u8 *p;		     /* the next byte */
	unsigned seg;		     /* of a prefix, or SEG_COUNT */
	unsigned osize, asize, size; /* in bits; size: of the operation */
	u8 modrm, rep;		     /* rep: the prefix, or 0 */
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

static void memory_actions(struct trans *t, enum decode_form form)
{
	ZydisMnemonic m = t->in.mnemonic;
	bool only_reads = m == ZYDIS_MNEMONIC_CMP || m == ZYDIS_MNEMONIC_TEST ||
			  m == ZYDIS_MNEMONIC_MUL || m == ZYDIS_MNEMONIC_IMUL ||
			  m == ZYDIS_MNEMONIC_DIV || m == ZYDIS_MNEMONIC_IDIV ||
			  m == ZYDIS_MNEMONIC_CALL || m == ZYDIS_MNEMONIC_JMP ||
			  m == ZYDIS_MNEMONIC_PUSH || m == ZYDIS_MNEMONIC_BT;
	bool only_writes = m == ZYDIS_MNEMONIC_MOV || form == E8_ONLY;

	set_actions(t, 0, !only_writes, !only_reads);
}

static void add_wide_imm(struct shortly *d)
{
	add_imm(d, d->size / 8, true, false);
}

static void add_cl(struct shortly *d)
{
	add_reg(d, ZYDIS_REGISTER_CL, 8, ZYDIS_OPERAND_ENCODING_NONE);
}

static void add_seg(struct shortly *d, unsigned seg, ZydisOperandEncoding encoding)
{
	add_reg(d, (ZydisRegister)(ZYDIS_REGISTER_ES + seg), 16, encoding);
}

/* MOV from and to a segment register: memory has 16 bits. False: there is none such, or it is CS,
 * which nothing loads. */
static bool seg_of_rm(struct shortly *d, enum decode_form form)
{
	unsigned seg = d->modrm >> 3 & 7;
	bool loads = form == S_E;

	if (seg > SEG_GS || (loads && seg == SEG_CS))
		return false;
	if (loads)
		add_seg(d, seg, ZYDIS_OPERAND_ENCODING_MODRM_REG);
	add_rm(d, loads || d->modrm < 0xc0 ? 16 : d->size);
	set_actions(d->t, loads, loads, !loads);
	if (!loads)
		add_seg(d, seg, ZYDIS_OPERAND_ENCODING_MODRM_REG);
	return true;
}

/* False: not here. */
static bool operands_of_rm(struct shortly *d, enum decode_form form)
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
	case G_E_I:
	case G_E_IS:
		add_g(d, d->size);
		add_rm(d, d->size);
		set_actions(t, 1, true, false);
		add_imm(d, form == G_E_I ? d->size / 8 : 1, true, false);
		return true;
	case G_FAR:
		if (d->modrm >= 0xc0)
			return false; /* VEX, or nothing */
		add_g(d, d->size);
		add_rm(d, d->size + 16);
		set_actions(t, 1, true, false);
		return true;
	case E_S:
	case S_E:
		return seg_of_rm(d, form);
	case E_G_IS:
	case E_G_CL:
		add_rm(d, d->size);
		add_g(d, d->size);
		if (form == E_G_CL)
			add_cl(d);
		else
			add_imm(d, 1, false, false);
		break;
	case E_I:
		add_rm(d, d->size);
		add_wide_imm(d);
		break;
	case E_IS:
		add_rm(d, d->size);
		add_imm(d, 1, t->in.opcode == 0x83, false);
		break;
	case E_ONE:
		add_rm(d, d->size);
		operand(d, ZYDIS_OPERAND_TYPE_IMMEDIATE, 8, ZYDIS_OPERAND_ENCODING_NONE)
			->imm.value.u = 1;
		break;
	case E_CL:
		add_rm(d, d->size);
		add_cl(d);
		break;
	default:
		add_rm(d, d->size);
		/* TEST, alone in its group, has an immediate. */
		if (t->in.mnemonic == ZYDIS_MNEMONIC_TEST)
			add_wide_imm(d);
		break;
	}
	memory_actions(t, form);
	return true;
}

/* What 66h makes of a mnemonic. */
static ZydisMnemonic wide_mnemonic(ZydisMnemonic m)
{
	switch (m) {
	case ZYDIS_MNEMONIC_PUSHA:
		return ZYDIS_MNEMONIC_PUSHAD;
	case ZYDIS_MNEMONIC_POPA:
		return ZYDIS_MNEMONIC_POPAD;
	case ZYDIS_MNEMONIC_CBW:
		return ZYDIS_MNEMONIC_CWDE;
	case ZYDIS_MNEMONIC_CWD:
		return ZYDIS_MNEMONIC_CDQ;
	case ZYDIS_MNEMONIC_PUSHF:
		return ZYDIS_MNEMONIC_PUSHFD;
	case ZYDIS_MNEMONIC_POPF:
		return ZYDIS_MNEMONIC_POPFD;
	case ZYDIS_MNEMONIC_IRET:
		return ZYDIS_MNEMONIC_IRETD;
	case ZYDIS_MNEMONIC_MOVSW:
		return ZYDIS_MNEMONIC_MOVSD;
	case ZYDIS_MNEMONIC_CMPSW:
		return ZYDIS_MNEMONIC_CMPSD;
	case ZYDIS_MNEMONIC_STOSW:
		return ZYDIS_MNEMONIC_STOSD;
	case ZYDIS_MNEMONIC_LODSW:
		return ZYDIS_MNEMONIC_LODSD;
	case ZYDIS_MNEMONIC_SCASW:
		return ZYDIS_MNEMONIC_SCASD;
	default:
		return m;
	}
}

/*
 * A string instruction's operands are hidden. Of them the translator asks only for the segment that
 * it reads from. False: its prefix means nothing.
 */
static bool string(struct shortly *d)
{
	ZydisDecodedInstruction *in = &d->t->in;
	unsigned op = in->opcode & 0xfe;
	bool compares = op == 0xa6 || op == 0xae;
	ZydisDecodedOperand *o;

	if (d->rep == 0xf2 && !compares)
		return false;
	if (d->rep == 0xf2)
		in->attributes |= ZYDIS_ATTRIB_HAS_REPNE;
	else if (d->rep)
		in->attributes |= compares ? ZYDIS_ATTRIB_HAS_REPE : ZYDIS_ATTRIB_HAS_REP;
	if (op == 0xaa || op == 0xae)
		return true;
	o = operand(d, ZYDIS_OPERAND_TYPE_MEMORY, d->size, ZYDIS_OPERAND_ENCODING_NONE);
	o->visibility = ZYDIS_OPERAND_VISIBILITY_HIDDEN;
	set_mem(d, o, general(REG_ESI, d->asize), ZYDIS_REGISTER_NONE, 0, 0);
	set_actions(d->t, 0, true, false);
	return true;
}

/* The segment lies behind the offset. */
static void add_far(struct shortly *d)
{
	ZydisDecodedInstruction *in = &d->t->in;
	ZydisDecodedOperand *o;
	u32 offset;

	add_imm(d, d->osize / 8, false, false);
	o = &d->t->op[0];
	offset = (u32)o->imm.value.u;
	o->type = ZYDIS_OPERAND_TYPE_POINTER;
	o->ptr.offset = offset;
	o->ptr.segment = get_le16(d->p);
	in->raw.imm[1].size = 16;
	in->raw.imm[1].offset = (ZyanU8)(d->p - d->t->bytes);
	in->raw.imm[1].value.u = o->ptr.segment;
	d->p += 2;
}

/* False: not here. */
static bool other_operands(struct shortly *d, enum decode_form form)
{
	ZydisDecodedInstruction *in = &d->t->in;
	unsigned reg = in->opcode & 7u;

	switch (form) {
	case A_R:
		if (!reg) { /* PAUSE with F3h */
			in->mnemonic = ZYDIS_MNEMONIC_NOP;
			break;
		}
		add_reg(d, general(reg, d->size), d->size, ZYDIS_OPERAND_ENCODING_OPCODE);
		add_accumulator(d);
		break;
	case SEG_ONLY:
		add_seg(d, in->opcode >> 3 & 7, ZYDIS_OPERAND_ENCODING_NONE);
		break;
	case RELEASE:
		add_imm(d, 2, false, false);
		break;
	case FAR:
		add_far(d);
		break;
	case STRING:
		in->mnemonic = d->size == 32 ? wide_mnemonic(in->mnemonic) : in->mnemonic;
		return string(d);
	case SIZED:
		in->mnemonic = d->size == 32 ? wide_mnemonic(in->mnemonic) : in->mnemonic;
		break;
	case COUNTER:
		if (in->mnemonic == ZYDIS_MNEMONIC_JCXZ && d->asize == 32)
			in->mnemonic = ZYDIS_MNEMONIC_JECXZ;
		add_imm(d, 1, true, true);
		break;
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
	case I_BYTE: /* a sign, but not of INT's number */
		add_imm(d, 1, in->opcode == 0x6a, false);
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
	return true;
}

/* 66h, 67h, REP's and a segment's, each once. False: others, or more. */
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
		case 0xf2:
		case 0xf3:
			if (d->rep)
				return false;
			d->rep = *d->p;
			break;
		default:
			return true;
		}
		in->raw.prefixes[in->raw.prefix_count++].value = *d->p;
	}
}

static void describe(struct shortly *d, bool wide, const struct decode_row *row)
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

static bool takes_modrm(struct shortly *d, const struct decode_row *row)
{
	ZydisDecodedInstruction *in = &d->t->in;

	d->modrm = *d->p++;
	in->attributes = ZYDIS_ATTRIB_HAS_MODRM;
	in->raw.modrm.mod = d->modrm >> 6;
	in->raw.modrm.reg = d->modrm >> 3 & 7;
	in->raw.modrm.rm = d->modrm & 7;
	if (row->group)
		in->mnemonic = (ZydisMnemonic)decode_group[row->mnemonic][in->raw.modrm.reg];
	return in->mnemonic != ZYDIS_MNEMONIC_INVALID && operands_of_rm(d, row->form);
}

/* Who translates it. */
static enum trans_part part(struct trans *t, const struct decode_row *row)
{
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_INT:
		return TRANS_ANY;
	case ZYDIS_MNEMONIC_PUSH:
		return TRANS_STACK;
	case ZYDIS_MNEMONIC_POP: /* of a segment register, too */
		return row->form == SEG_ONLY ? TRANS_ANY : TRANS_STACK;
	case ZYDIS_MNEMONIC_CALL:
	case ZYDIS_MNEMONIC_JMP:
	case ZYDIS_MNEMONIC_RET:
		if (row->form == FAR || (t->in.opcode & 0xfe) == 0xca) {
			t->in.meta.branch_type = ZYDIS_BRANCH_TYPE_FAR;
			return TRANS_ANY;
		}
		t->in.meta.branch_type = ZYDIS_BRANCH_TYPE_NEAR;
		return TRANS_CONTROL;
	default:
		break;
	}
	if (row->form == J_BYTE || row->form == J_WIDE || row->form == COUNTER) {
		t->in.meta.branch_type = ZYDIS_BRANCH_TYPE_NEAR;
		t->in.meta.category = ZYDIS_CATEGORY_COND_BR;
		return TRANS_CONTROL;
	}
	if (row->form >= SEG_ONLY || row->form == E_S || row->form == S_E || row->form == G_FAR)
		return TRANS_ANY;
	return isa_insn[t->in.mnemonic].op == OP_COPY ? TRANS_COPY : TRANS_HARD;
}

enum trans_part trans_decode_short(struct trans *t)
{
	unsigned width = t->key & KEY_D ? 32 : 16;
	struct shortly d = {
		.t = t, .p = t->bytes, .seg = SEG_COUNT, .osize = width, .asize = width
	};
	const struct decode_row *row;
	bool wide;

	if (t->have < INSN_MAX || !prefixes(&d))
		return TRANS_UNKNOWN;
	wide = *d.p == 0x0f;
	d.p += wide;
	row = (wide ? decode_two_byte : decode_one_byte) + *d.p;
	if (row->form == NONE || (d.rep && row->form != STRING))
		return TRANS_UNKNOWN;
	t->in.opcode = *d.p++;
	d.size = row->byte ? 8 : d.osize;
	describe(&d, wide, row);
	if (!(row->form <= E8_ONLY ? takes_modrm(&d, row) : other_operands(&d, row->form)))
		return TRANS_UNKNOWN;
	t->in.operand_count_visible = row->form == STRING ? 0 : t->in.operand_count;
	t->op[t->in.operand_count].type = ZYDIS_OPERAND_TYPE_UNUSED; /* RET has no first one */
	t->in.length = (ZyanU8)(d.p - t->bytes);
	return part(t, row);
}
