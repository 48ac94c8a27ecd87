/* SPDX-License-Identifier: MIT */
/*
 * The short way: nine in ten instructions of flat 32-bit code, translated from their bytes by two
 * tables, without the decoder, which takes several times as long as all else. What is not in the
 * tables, or has a prefix other than 66h and a segment's, goes by the decoder; both ways emit the
 * same.
 */
#include "emu/trans/trans.h"
#include "kernel/base/bytes.h"

/* How an opcode is copied. */
#define MODRM	 BIT(0)
#define BYTE	 BIT(1) /* r/m and reg are bytes */
#define BYTE_RM	 BIT(2) /* r/m is a byte */
#define GROUP	 BIT(3) /* reg is part of the opcode */
#define IMM8	 BIT(4)
#define IMM	 BIT(5) /* two bytes or four, by the operand size */
#define PLAIN	 BIT(6) /* neither ModRM nor a register in the opcode that may be ESP */
#define ALU	 MODRM	/* op r/m32, r32 and its converse */
#define ALU8	 (MODRM | BYTE)
#define ROW_ALU	 ALU8, ALU, ALU8, ALU, PLAIN | IMM8, PLAIN | IMM
#define FOUR(x)	 x, x, x, x
#define EIGHT(x) FOUR(x), FOUR(x)

static const u8 one_byte[256] = {
	[0x00] = ROW_ALU,
	[0x08] = ROW_ALU,
	[0x10] = ROW_ALU,
	[0x18] = ROW_ALU,
	[0x20] = ROW_ALU,
	[0x28] = ROW_ALU,
	[0x30] = ROW_ALU,
	[0x38] = ROW_ALU,
	[0x69] = MODRM | IMM,
	[0x6b] = MODRM | IMM8,
	[0x80] = MODRM | BYTE | GROUP | IMM8,
	[0x81] = MODRM | GROUP | IMM,
	[0x83] = MODRM | GROUP | IMM8,
	[0x84] = ALU8,
	ALU,
	[0x88] = ALU8,
	ALU,
	ALU8,
	ALU,
	[0x98] = PLAIN,
	PLAIN, /* CWDE, CDQ */
	[0xa8] = PLAIN | IMM8,
	PLAIN | IMM,
	[0xb0] = EIGHT(PLAIN | IMM8), /* to a byte register: AH is AH without REX */
	[0xc0] = MODRM | BYTE | GROUP | IMM8,
	MODRM | GROUP | IMM8,
	[0xc6] = MODRM | BYTE | GROUP | IMM8,
	MODRM | GROUP | IMM,
	[0xd0] = MODRM | BYTE | GROUP,
	MODRM | GROUP,
	MODRM | BYTE | GROUP,
	MODRM | GROUP,
	[0xf6] = MODRM | BYTE | GROUP,
	MODRM | GROUP,
	[0xfe] = MODRM | BYTE | GROUP,
	MODRM | GROUP,
};

static const u8 two_byte[256] = {
	[0x40] = EIGHT(MODRM),
	EIGHT(MODRM), /* CMOVcc */
	[0x90] = EIGHT(MODRM | BYTE_RM | GROUP),
	EIGHT(MODRM | BYTE_RM | GROUP), /* SETcc */
	[0xa4] = MODRM | IMM8,
	MODRM,
	[0xac] = MODRM | IMM8,
	MODRM, /* SHLD, SHRD */
	[0xaf] = MODRM,
	[0xb6] = MODRM | BYTE_RM,
	MODRM,
	[0xba] = MODRM | GROUP | IMM8,
	[0xbe] = MODRM | BYTE_RM,
	MODRM,
};

/* The instruction's bytes, taken apart. */
struct fast {
	const u8 *p;	/* the next byte */
	bool p66, wide; /* wide: a two-byte opcode */
	unsigned seg;	/* of a prefix, or SEG_COUNT */
	u8 opcode, flags, modrm;
	struct hmem m; /* of r/m, if it is memory */
	unsigned mem_seg;
};

static bool is_mem(const struct fast *f)
{
	return f->modrm < 0xc0;
}

static void take_modrm(struct fast *f)
{
	f->modrm = *f->p;
	if (!is_mem(f)) {
		f->p++;
		return;
	}
	f->p = trans_take_mem(f->p, &f->m);
	f->mem_seg = f->m.base == R_GSP || f->m.base == REG_EBP ? SEG_SS : SEG_DS;
	if (f->seg != SEG_COUNT)
		f->mem_seg = f->seg;
}

/* May translated code reach this operand by itself? Nobody writes through CS, so it is left out. */
static bool mem_inline(const struct trans *t, const struct fast *f)
{
	return f->mem_seg != SEG_CS && trans_seg_class(t, f->mem_seg) <= CLASS_BASED;
}

static struct hmem address(struct trans *t, const struct fast *f)
{
	return trans_seg_class(t, f->mem_seg) == CLASS_BASED ? trans_add_base(t, f->m, f->mem_seg)
							     : f->m;
}

/* The rest of the instruction has to be on the page: 15 bytes were. */
static void done(struct trans *t, const struct fast *f)
{
	t->next = t->eip + (u32)(f->p - t->bytes);
}

static void emit_imm(struct trans *t, struct fast *f, unsigned n)
{
	while (n--)
		emit_u8(&t->e, *f->p++);
}

static unsigned imm_size(const struct fast *f)
{
	if (f->flags & IMM8)
		return 1;
	/* TEST, alone in its group, has an immediate. */
	if (!f->wide && (f->opcode == 0xf6 || f->opcode == 0xf7) && !(f->modrm & 0x30))
		return f->opcode == 0xf6 ? 1 : f->p66 ? 2 : 4;
	return f->flags & IMM ? (f->p66 ? 2 : 4) : 0;
}

static void emit_op(struct trans *t, const struct fast *f, unsigned reg, struct hmem m)
{
	u32 opcode = f->wide ? 0x0f00u | f->opcode : f->opcode;

	if (is_mem(f)) {
		emit_guest_prefix(&t->e, t->r, m);
		m.guest = false;
	}
	if (f->p66)
		emit_u8(&t->e, 0x66);
	if (is_mem(f)) {
		emit_rm(&t->e, t->r, false, opcode, reg, m);
	} else {
		unsigned rm = f->modrm & 7;

		emit_rr(&t->e, false, opcode, reg,
			f->flags & (BYTE | BYTE_RM) ? rm : trans_host_reg(rm));
	}
}

/* Members of groups that are no arithmetic, do not exist, or have a way of their own. */
static bool group_ok(const struct fast *f)
{
	unsigned digit = f->modrm >> 3 & 7;

	if (f->wide)
		return f->opcode != 0xba || digit >= 4;
	switch (f->opcode) {
	case 0xc0 ... 0xc1:
	case 0xd0 ... 0xd3:
		return f->modrm >= 0xc0 || (digit != 2 && digit != 3); /* fault_first() */
	case 0xc6:
	case 0xc7:
		return digit == 0;
	case 0xfe:
	case 0xff:
		return digit < 2;
	default:
		return true;
	}
}

static bool copy(struct trans *t, struct fast *f)
{
	unsigned reg = f->modrm >> 3 & 7;
	bool high8 = (f->flags & BYTE) && !(f->flags & GROUP) && reg >= 4;
	struct hmem m = { 0 };

	if ((f->flags & GROUP) && !group_ok(f))
		return false;
	if (!(f->flags & (BYTE | GROUP)))
		reg = trans_host_reg(reg);
	if (is_mem(f)) {
		if (!mem_inline(t, f) ||
		    (high8 && (f->m.base >= 8 || trans_seg_class(t, f->mem_seg) == CLASS_BASED)))
			return false;
		m = address(t, f);
	} else if ((f->flags & BYTE_RM) && reg >= 8 && (f->modrm & 7) >= 4) {
		return false; /* MOVZX ESP, AH */
	}
	emit_op(t, f, reg, m);
	emit_imm(t, f, imm_size(f));
	done(t, f);
	return true;
}

static bool by_table(struct trans *t, struct fast *f)
{
	if (f->flags & PLAIN) {
		if (f->p66)
			emit_u8(&t->e, 0x66);
		emit_u8(&t->e, f->opcode);
		emit_imm(t, f, imm_size(f));
		done(t, f);
		return true;
	}
	take_modrm(f);
	return copy(t, f);
}

static bool lea(struct trans *t, struct fast *f)
{
	unsigned reg;

	take_modrm(f);
	reg = trans_host_reg(f->modrm >> 3 & 7);
	if (!is_mem(f))
		return false;
	t->padded = f->m.base == (int)reg && f->m.index < 0 && !f->m.disp;
	emit_op(t, f, reg, f->m);
	done(t, f);
	return true;
}

/* A0h to A3h: to and from AL, AX or EAX by a bare address. */
static bool moffs(struct trans *t, struct fast *f)
{
	static const u8 as_modrm[] = { 0x8a, 0x8b, 0x88, 0x89 };

	f->mem_seg = f->seg == SEG_COUNT ? SEG_DS : f->seg;
	f->m = (struct hmem){
		.base = -1, .index = -1, .scale = 1, .disp = (s32)get_le32(f->p), .guest = true
	};
	f->p += 4;
	f->opcode = as_modrm[f->opcode & 3];
	if (!mem_inline(t, f))
		return false;
	emit_op(t, f, R_A, address(t, f));
	done(t, f);
	return true;
}

/* CALL and JMP by a register or memory, PUSH of memory. */
static bool group_ff(struct trans *t, struct fast *f)
{
	unsigned digit = f->p[0] >> 3 & 7;

	if (digit < 2)
		return by_table(t, f);
	if (f->p66 || (digit != 2 && digit != 4 && digit != 6))
		return false;
	take_modrm(f);
	if (is_mem(f) && !mem_inline(t, f))
		return false;
	done(t, f);
	if (is_mem(f))
		emit_load_zx(&t->e, t->r, 4, R8, address(t, f));
	else
		emit_mov(&t->e, R8, trans_host_reg(f->modrm & 7));
	if (digit == 2)
		trans_call_r8(t);
	else if (digit == 4)
		trans_jump_r8(t);
	else
		trans_push(t, R8, 4);
	return true;
}

static bool push_imm(struct trans *t, struct fast *f)
{
	u32 value = f->opcode == 0x6a ? (u32)(s8)f->p[0] : get_le32(f->p);

	f->p += f->opcode == 0x6a ? 1 : 4;
	emit_mov_imm32(&t->e, R9, value);
	trans_push(t, R9, 4);
	done(t, f);
	return true;
}

/* Without a 66h prefix: relative jumps, and what has a register in the opcode. */
static bool other(struct trans *t, struct fast *f)
{
	unsigned reg = trans_host_reg(f->opcode & 7);
	u32 target;

	switch (f->opcode) {
	case 0x40 ... 0x4f:
		emit_rr(&t->e, false, 0xff, f->opcode & 8 ? 1 : 0, reg);
		break;
	case 0x50 ... 0x57:
		trans_push(t, reg, 4);
		break;
	case 0x58 ... 0x5f:
		trans_pop(t, reg, 4);
		break;
	case 0x68:
	case 0x6a:
		return push_imm(t, f);
	case 0x70 ... 0x7f:
		target = (u32)(s8)*f->p++;
		done(t, f);
		trans_jcc(t, f->opcode & 15, t->next + target);
		break;
	case 0x90:
		t->padded = true;
		break;
	case 0xb8 ... 0xbf:
		emit_mov_imm32(&t->e, reg, get_le32(f->p));
		f->p += 4;
		break;
	case 0xc3:
		trans_ret(t, 0);
		break;
	case 0xe8:
	case 0xe9:
		target = get_le32(f->p);
		f->p += 4;
		done(t, f);
		if (f->opcode == 0xe8)
			trans_call(t, t->next + target);
		else
			trans_jmp(t, t->next + target);
		break;
	case 0xeb:
		target = (u32)(s8)*f->p++;
		done(t, f);
		trans_jmp(t, t->next + target);
		break;
	default:
		return false;
	}
	done(t, f);
	return true;
}

static bool two(struct trans *t, struct fast *f)
{
	f->wide = true;
	f->opcode = *f->p++;
	f->flags = two_byte[f->opcode];
	if (f->flags)
		return by_table(t, f);
	if (f->opcode == 0x1f) { /* NOP with an operand, which is not accessed */
		take_modrm(f);
		done(t, f);
		t->padded = true;
		return true;
	}
	if ((f->opcode & 0xf0) == 0x80 && !f->p66) {
		u32 target = get_le32(f->p);

		f->p += 4;
		done(t, f);
		trans_jcc(t, f->opcode & 15, t->next + target);
		return true;
	}
	return false;
}

static void prefixes(struct fast *f)
{
	const u8 *last = f->p + 3;

	for (; f->p < last; f->p++) {
		switch (*f->p) {
		case 0x66:
			f->p66 = true;
			break;
		case 0x3e:
			f->seg = SEG_DS;
			break;
		case 0x64:
			f->seg = SEG_FS;
			break;
		case 0x65:
			f->seg = SEG_GS;
			break;
		default:
			return;
		}
	}
}

bool translate_fast(struct trans *t)
{
	struct fast f = { .p = t->bytes, .seg = SEG_COUNT };

	prefixes(&f);
	if (f.p > t->bytes + 2)
		return false; /* with two prefixes none can be longer than 15 bytes */
	f.opcode = *f.p++;
	if (f.opcode == 0x0f)
		return !trans_model_is_old(t) && two(t, &f);
	f.flags = one_byte[f.opcode];
	if (f.opcode == 0xff)
		return group_ff(t, &f);
	if (f.flags)
		return by_table(t, &f);
	if (f.opcode >= 0xa0 && f.opcode <= 0xa3)
		return moffs(t, &f);
	if (f.opcode == 0x8d)
		return lea(t, &f);
	return !f.p66 && other(t, &f);
}
