/* SPDX-License-Identifier: MIT */
/*
 * PUSHA, POPA and LEAVE: several words of the stack, in the order in which processors touch them,
 * with all that can fault before the registers change. How many of PUSHA's stores are done when one
 * faults is the processor's choice, and they are the same when it runs again. POPA reads all words
 * before it loads a register.
 */
#include "emu/trans/trans.h"

/* ESP is pushed as it was, and not popped. */
#define ALL 8u

static unsigned word_size(const struct trans *t)
{
	return t->in.operand_width / 8u;
}

/* ALL words from delta bytes beside the stack pointer on; R8 then holds SP + delta, if it is SP. */
static struct hmem words(struct trans *t, s32 delta, struct site *s)
{
	struct hmem m = GSP_AT(delta);

	return trans_stack_flat(t) ? m : trans_top16(t, delta, ALL * word_size(t), true, s);
}

static struct hmem word(const struct trans *t, struct hmem m, unsigned n)
{
	m.disp += (s32)(n * word_size(t));
	return m;
}

/* Moves the stack pointer; of one with 16 bits R8 has the value from before. */
static void move_top(struct trans *t, s32 from_esp, s32 from_r8)
{
	if (trans_stack_flat(t)) {
		emit_lea(&t->e, false, R_GSP, GSP_AT(from_esp));
		return;
	}
	if (from_r8)
		emit_lea(&t->e, false, R8,
			 (struct hmem){ .base = R8, .index = -1, .scale = 1, .disp = from_r8 });
	trans_set_sp(t);
}

static void pusha(struct trans *t, struct site *s)
{
	s32 size = (s32)(ALL * word_size(t));
	struct hmem m = words(t, -size, s);

	for (unsigned reg = 0; reg < ALL; reg++)
		trans_access(t, 0x89, trans_host_reg(reg), word_size(t), word(t, m, 7 - reg));
	move_top(t, -size, 0);
}

static void popa(struct trans *t, struct site *s)
{
	s32 size = (s32)(ALL * word_size(t));
	struct hmem m = words(t, 0, s);

	for (unsigned n = 0; n < ALL; n++)
		trans_access(t, 0x8b, R10, word_size(t), word(t, m, n));
	for (unsigned n = 0; n < ALL; n++)
		if (7 - n != REG_ESP)
			trans_access(t, 0x8b, trans_host_reg(7 - n), word_size(t), word(t, m, n));
	move_top(t, size, size);
}

/* ESP = EBP + 4, EBP = [EBP]: loaded first, since it may fault. */
static void leave32(struct trans *t)
{
	struct hmem frame = { .base = R_BP, .index = -1, .scale = 1, .guest = true };

	emit_load_zx(&t->e, t->r, 4, R8, frame);
	frame.disp = 4;
	emit_lea(&t->e, false, R_GSP, frame);
	emit_mov(&t->e, R_BP, R8);
}

static void leave16(struct trans *t, struct site *s)
{
	unsigned size = word_size(t);
	struct hmem m;

	emit_movzx16(&t->e, R8, R_BP);
	m = trans_stack16_at_r8(t, size, false, s);
	trans_access(t, 0x8b, R10, size, m);
	emit_lea(&t->e, false, R8,
		 (struct hmem){ .base = R8, .index = -1, .scale = 1, .disp = (s32)size });
	trans_set_sp(t);
	if (size == 2)
		emit_mov16(&t->e, R_BP, R10);
	else
		emit_mov(&t->e, R_BP, R10);
}

bool translate_frame(struct trans *t)
{
	bool flat = trans_stack_flat(t);

	if (!flat && !trans_stack_16(t))
		return false;
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_PUSHA:
	case ZYDIS_MNEMONIC_PUSHAD:
		pusha(t, trans_site(t, OP_PUSHA));
		return true;
	case ZYDIS_MNEMONIC_POPA:
	case ZYDIS_MNEMONIC_POPAD:
		popa(t, trans_site(t, OP_POPA));
		return true;
	case ZYDIS_MNEMONIC_LEAVE:
		if (!flat)
			leave16(t, trans_site(t, OP_LEAVE));
		else if (word_size(t) == 4)
			leave32(t);
		else
			return false;
		return true;
	default:
		return false;
	}
}
