/* SPDX-License-Identifier: MIT */
/*
 * The flags that are virtual, and the whole image: CLI, STI, CLD, STD, PUSHF, POPF; INTO.
 *
 * In translated code the arithmetic flags and DF are in the host's flags. DF has a copy in
 * cpu->quiet_flags, with those flags that translated code does not change; IF is cpu->vif.
 */
#include "emu/trans/trans.h"

/* An image that changes one of these goes to C. */
#define FLAGS_HARD \
	(EFLAGS_TF | EFLAGS_DF | EFLAGS_IOPL | EFLAGS_NT | EFLAGS_RF | EFLAGS_AC | EFLAGS_ID)

/* lea to, [a + b], 32 bits wide: an addition that leaves the flags alone. */
static void add_quietly(struct emit *e, unsigned to, unsigned a, unsigned b)
{
	emit_lea(e, false, to, (struct hmem){ .base = (s8)a, .index = (s8)b, .scale = 1 });
}

/*
 * Put together without touching a flag: CMOVO takes the sum with OF, LAHF has the others. R9 keeps
 * EAX, which LAHF needs.
 */
void trans_flags_image(struct trans *t, unsigned to)
{
	struct emit *e = &t->e;

	emit_load32(e, to, CPU_FIELD(quiet_flags));
	emit_cmov_load(e, CC_O, to, CPU_FIELD(quiet_flags_of));
	emit_load32(e, R8, CPU_FIELD(vif));
	add_quietly(e, to, to, R8);
	emit_mov(e, R9, R_A);
	emit_lahf(e);
	emit_movzx8(e, R_A, R_AH);
	add_quietly(e, to, to, R_A);
	emit_mov(e, R_A, R9);
}

static void pushf(struct trans *t)
{
	unsigned size = t->in.operand_width / 8u;

	trans_flags_image(t, R10);
	if (trans_stack_flat(t))
		trans_push(t, R10, size);
	else
		trans_push16(t, R10, size);
}

/* The image on top of the stack, into R8. */
static void load_image(struct trans *t, unsigned size)
{
	struct hmem m = trans_stack_flat(t) ? GSP_AT(0) : trans_above16(t, size);

	emit_load_zx(&t->e, t->r, size, R8, m);
}

static void drop_image(struct trans *t, unsigned size)
{
	emit_lea(&t->e, false, R_GSP, GSP_AT((s32)size));
}

void trans_test_image(struct trans *t, u32 kept)
{
	struct emit *e = &t->e;

	emit_load32(e, R9, CPU_FIELD(quiet_flags));
	emit_alu(e, ALU_XOR, R9, R8);
	emit_alu_imm(e, ALU_AND, R9, FLAGS_HARD & ~kept);
	emit_alu_load(e, ALU_OR, R9, CPU_FIELD(events));
}

void trans_set_if(struct trans *t)
{
	emit_mov(&t->e, R9, R8);
	emit_alu_imm(&t->e, ALU_AND, R9, EFLAGS_IF);
	emit_store32(&t->e, R9, CPU_FIELD(vif));
}

void trans_set_arith(struct trans *t)
{
	struct emit *e = &t->e;

	emit_mov(e, R9, R_A);
	emit_mov(e, R_A, R8);
	emit_mov8(e, R_AH, R_A);
	emit_shift(e, SHIFT_RIGHT, R8, EMIT_OF_BIT);
	emit_alu8_imm(e, ALU_AND, R8, 1);
	emit_mov8(e, R_A, R8);
	emit_flags_from_ax(e);
	emit_mov(e, R_A, R9);
}

/*
 * Flags may be used freely once the image is loaded: all are written at the end. What is not common
 * goes to C before anything has changed: other flags than the arithmetic ones and IF, events
 * pending. C does not come back here.
 */
static void popf(struct trans *t)
{
	unsigned size = t->in.operand_width / 8u;
	struct site *s = trans_site(t, OP_POPF);
	struct emit *e = &t->e;
	struct emit_label easy = { 0 };

	load_image(t, size);
	trans_test_image(t, (size == 2 ? 0xffff0000 : 0) | (t->key & KEY_VM ? EFLAGS_IOPL : 0));
	emit_jcc(e, CC_Z, &easy);
	trans_call_hard(t, s, true);
	t->ended = false;
	emit_label(e, &easy);
	trans_set_if(t);
	drop_image(t, size);
	trans_set_arith(t);
}

void trans_hold_events(struct trans *t, struct site *s)
{
	struct emit *e = &t->e;
	struct emit_label quiet = { 0 };

	emit_mov64(e, R10, R_C);
	emit_load32(e, R_C, CPU_FIELD(events));
	emit_jrcxz(e, &quiet);
	emit_mov64(e, R_C, R10);
	trans_call_hard(t, s, true);
	t->ended = false;
	emit_label(e, &quiet);
	emit_mov64(e, R_C, R10);
	t->holds = true;
}

static void sti(struct trans *t)
{
	trans_hold_events(t, trans_site(t, OP_STI));
	emit_store_imm32(&t->e, CPU_FIELD(vif), EFLAGS_IF);
}

static void set_df(struct trans *t, bool set)
{
	struct emit *e = &t->e;

	emit_set_df(e, set);
	emit_load32(e, R8, cpu_field(offsetof(struct cpu, quiet_flags_df) + set * sizeof(u32)));
	emit_store32(e, R8, CPU_FIELD(quiet_flags));
	emit_lea(e, false, R8,
		 (struct hmem){ .base = R8, .index = -1, .scale = 1, .disp = EFLAGS_OF });
	emit_store32(e, R8, CPU_FIELD(quiet_flags_of));
}

/* CLI and STI may run inline, and PUSHF and POPF have no more to ask. */
static bool allowed(const struct trans *t)
{
	return (t->key & KEY_IOPL) && !(t->key & KEY_TF) && !t->slow;
}

/* Not taken, it is a jump over the call. */
static void into(struct trans *t)
{
	struct emit_label over = { 0 };

	emit_jcc(&t->e, CC_NO, &over);
	trans_call_hard(t, trans_site(t, OP_INTO), true);
	t->ended = false;
	emit_label(&t->e, &over);
}

static bool inline_image(const struct trans *t)
{
	bool shows_vm = (t->key & KEY_VM) && t->in.operand_width == 32; /* not in PUSHF's image */

	return allowed(t) && !shows_vm && (trans_stack_flat(t) || trans_stack_based(t));
}

/* The bit is moved to the top of a byte, whose sign fills a word and then another. */
void trans_load_direction(struct trans *t)
{
	struct emit *e = &t->e;
	struct hmem flags = CPU_FIELD(quiet_flags);

	flags.disp += 1; /* DF is bit 2 of this byte */
	emit_load_zx(e, NULL, 1, R9, flags);
	emit_lea(e, false, R9, (struct hmem){ .base = -1, .index = R9, .scale = 8 });
	emit_lea(e, false, R9, (struct hmem){ .base = -1, .index = R9, .scale = 4 });
	emit_movsx8(e, R9, R9);
	emit_bswap(e, R9);
	emit_movsx8(e, R9, R9);
}

bool translate_flags(struct trans *t)
{
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_CLD:
	case ZYDIS_MNEMONIC_STD:
		trans_known_keep(t);
		set_df(t, t->in.opcode & 1);
		return true;
	case ZYDIS_MNEMONIC_CLI:
		if (!allowed(t))
			return false;
		trans_known_keep(t);
		emit_store_imm32(&t->e, CPU_FIELD(vif), 0);
		return true;
	case ZYDIS_MNEMONIC_STI:
		if (!allowed(t))
			return false;
		sti(t);
		return true;
	case ZYDIS_MNEMONIC_INTO:
		if (t->slow || (t->key & KEY_TF))
			return false;
		into(t);
		return true;
	case ZYDIS_MNEMONIC_PUSHF:
	case ZYDIS_MNEMONIC_PUSHFD:
		if (!inline_image(t))
			return false;
		pushf(t);
		return true;
	case ZYDIS_MNEMONIC_POPF:
	case ZYDIS_MNEMONIC_POPFD:
		if (!inline_image(t))
			return false;
		popf(t);
		return true;
	default:
		return false;
	}
}
