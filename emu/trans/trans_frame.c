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

/* ALL words below the stack pointer, or from there on. */
static struct hmem words(struct trans *t, bool below)
{
	unsigned size = ALL * word_size(t);

	if (trans_stack_flat(t))
		return GSP_AT(below ? -(s32)size : 0);
	return below ? trans_below16(t, size) : trans_above16(t, size);
}

static struct hmem word(const struct trans *t, struct hmem m, unsigned n)
{
	m.disp += (s32)(n * word_size(t));
	return m;
}

static void pusha(struct trans *t)
{
	s32 size = (s32)(ALL * word_size(t));
	struct hmem m = words(t, true);

	for (unsigned reg = 0; reg < ALL; reg++)
		trans_access(t, 0x89, trans_host_reg(reg), word_size(t), word(t, m, 7 - reg));
	emit_lea(&t->e, false, R_GSP, GSP_AT(-size));
}

static void popa(struct trans *t)
{
	s32 size = (s32)(ALL * word_size(t));
	struct hmem m = words(t, false);

	for (unsigned n = 0; n < ALL; n++)
		trans_access(t, 0x8b, R10, word_size(t), word(t, m, n));
	for (unsigned n = 0; n < ALL; n++)
		if (7 - n != REG_ESP)
			trans_access(t, 0x8b, trans_host_reg(7 - n), word_size(t), word(t, m, n));
	emit_lea(&t->e, false, R_GSP, GSP_AT(size));
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

/* EBP is below 64 KiB, and so is what SP will be. */
static void leave_low(struct trans *t, unsigned size)
{
	struct hmem frame = { .base = R_BP, .index = -1, .scale = 1, .guest = true };
	struct hmem next = { .base = R_BP, .index = -1, .scale = 1, .disp = (s32)size };

	if (trans_seg_class(t, SEG_SS) != CLASS_FLAT)
		frame = trans_add_base(t, frame, SEG_SS);
	emit_load_zx(&t->e, t->r, size, R8, frame);
	trans_known_copied(t, REG_ESP, REG_EBP, 16);
	trans_known_moved(t, REG_ESP, (s32)size);
	if (trans_known_whole(t, REG_ESP)) {
		emit_lea(&t->e, false, R_GSP, next);
	} else {
		emit_lea(&t->e, false, R9, next);
		emit_mov16(&t->e, R_GSP, R9);
	}
	if (size == 2)
		emit_mov16(&t->e, R_BP, R8);
	else
		emit_mov(&t->e, R_BP, R8);
	trans_known_written(t, REG_EBP, 8 * size);
}

static void leave_based(struct trans *t)
{
	unsigned size = word_size(t);

	trans_known_keep(t);
	if (!(t->key & KEY_B) && !trans_seg_limited(t, SEG_SS) && trans_reg_is_low(t, REG_EBP) &&
	    trans_known_inside(t, REG_EBP, 0, (s32)size)) {
		leave_low(t, size);
		return;
	}
	t->keeps = false;
	if (t->key & KEY_B)
		emit_mov(&t->e, R8, R_BP);
	else
		emit_movzx16(&t->e, R8, R_BP);
	trans_access(t, 0x8b, R10, size, trans_stack16_at_r8(t, size));
	emit_lea(&t->e, false, R8,
		 (struct hmem){ .base = R8, .index = -1, .scale = 1, .disp = (s32)size });
	if (t->key & KEY_B)
		emit_mov(&t->e, R_GSP, R8);
	else
		emit_mov16(&t->e, R_GSP, R8);
	if (size == 2)
		emit_mov16(&t->e, R_BP, R10);
	else
		emit_mov(&t->e, R_BP, R10);
}

bool translate_frame(struct trans *t)
{
	bool flat = trans_stack_flat(t);

	if (!flat && !trans_stack_based(t))
		return false;
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_PUSHA:
	case ZYDIS_MNEMONIC_PUSHAD:
		pusha(t);
		return true;
	case ZYDIS_MNEMONIC_POPA:
	case ZYDIS_MNEMONIC_POPAD:
		popa(t);
		return true;
	case ZYDIS_MNEMONIC_LEAVE:
		if (!flat)
			leave_based(t);
		else if (word_size(t) == 4)
			leave32(t);
		else
			return false;
		return true;
	default:
		return false;
	}
}
