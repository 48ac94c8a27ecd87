/* SPDX-License-Identifier: MIT */
/*
 * INT n and INT3 of real mode, and IRET of 16 bits there and in V86 mode with IOPL 3, on stacks
 * with 16-bit addresses. Both end in the stub of stub_real.c. As everywhere, nothing is changed
 * before the last access that can fault; what is not common is left to C:
 *
 *   INT    a vector beyond the table, a stack that wraps around, an image of more than 16 bits (AC)
 *   IRET   flags that translated code does not change, TF among them, and pending events
 *
 * INT and IRET that change the level call the stubs of stub_ring.h.
 *
 * Neither the table nor the frame may be in the way of the other: the frame is tried before it is
 * written, and C then finds the table as it was.
 */
#include "emu/trans/fence.h"
#include "emu/trans/stub_ring.h"
#include "emu/trans/trans.h"

#define FRAME 6u /* IP, CS, FLAGS */

static struct hmem flags_of(struct hmem frame)
{
	frame.disp += 4;
	return frame;
}

/* To TRANS_FAR_IP; the limit of the table must be at least that of the vector's last byte. */
static void fetch_vector(struct trans *t, u32 vector)
{
	struct emit *e = &t->e;

	emit_load_zx(e, NULL, 2, R8, CPU_FIELD(idtr.limit));
	trans_fence(t, R8, -(s32)(vector * 4 + 3), 1);
	emit_load32(e, R9, CPU_FIELD(idtr.base));
	emit_load_zx(e, t->r, 4, R10,
		     (struct hmem){ .base = R9,
				    .index = -1,
				    .scale = 1,
				    .disp = (s32)(vector * 4),
				    .guest = true });
	emit_store32(e, R10, TRANS_FAR_IP);
}

static void go(struct trans *t)
{
	emit_load_zx(&t->e, NULL, 2, R8, TRANS_FAR_IP);
	emit_load_zx(&t->e, NULL, 2, R9, TRANS_FAR_CS);
	emit_jmp(&t->e, t->r->go_far);
	t->ended = true;
}

/* R11: the image, which fits into its word. The first store is a try: it writes what is there. */
static void push_frame(struct trans *t)
{
	struct hmem m = trans_below16(t, FRAME);

	emit_load_zx(&t->e, t->r, 2, R10, flags_of(m));
	trans_access(t, 0x89, R10, 2, flags_of(m));
	trans_load_return(t);
	trans_access(t, 0x89, R10, 4, m);
	trans_access(t, 0x89, R11, 2, flags_of(m));
	trans_move_sp(t, -(s32)FRAME);
}

static bool enter(struct trans *t, u32 vector)
{
	if ((t->key & (KEY_PE | KEY_VM)) || t->cpu->tells_ints ||
	    fence_was_met(t->r, t->base + t->eip))
		return false;
	fetch_vector(t, vector);
	trans_flags_image(t, R11);
	trans_fence(t, R11, 0, 1);
	push_frame(t);
	emit_store_imm32(&t->e, CPU_FIELD(vif), 0);
	go(t);
	return true;
}

/* In V86 mode IOPL stays. C does not come back here. */
static bool leave(struct trans *t)
{
	u32 kept = 0xffff0000 | (t->key & KEY_VM ? EFLAGS_IOPL : 0);
	struct emit *e = &t->e;
	struct emit_label easy = { 0 };
	struct site *s;
	struct hmem m;

	if (!(t->key & KEY_IOPL))
		return false;
	s = trans_site(t, OP_IRET);
	m = trans_above16(t, FRAME);
	emit_load_zx(e, t->r, 4, R10, m);
	emit_load_zx(e, t->r, 2, R8, flags_of(m));
	emit_store32(e, R10, TRANS_FAR_IP);
	trans_test_image(t, kept);
	emit_jcc(e, CC_Z, &easy);
	trans_call_hard(t, s, true);
	emit_label(e, &easy);
	trans_set_if(t);
	emit_store_imm8(e, CPU_FIELD(nmi_blocked), 0);
	trans_move_sp(t, FRAME);
	trans_set_arith(t);
	go(t);
	return true;
}

/* By the stubs of stub_ring.h, which hand the site on to C. */
static void call_ring_stub(struct trans *t, unsigned op, u64 stub)
{
	struct site *s = trans_site(t, op);

	s->ends = t->ended = true;
	trans_call_site(t, s, stub);
}

/* With paging it knows nothing. */
static bool asks_ring_stub(const struct trans *t)
{
	return !cpu_paging(t->cpu) && !t->slow && !(t->key & (KEY_TF | KEY_SLOW)) &&
	       !(t->in.attributes & ZYDIS_ATTRIB_HAS_LOCK);
}

static void enter_ring0(struct trans *t, unsigned op, u8 vector, u32 eip)
{
	emit_mov_imm32(&t->e, R8, vector);
	emit_mov_imm32(&t->e, R11, eip);
	call_ring_stub(t, op, t->r->ring_enter);
}

static bool change_ring(struct trans *t)
{
	bool v86 = t->key & KEY_VM, traps = v86 && !(t->key & KEY_IOPL);
	bool iret = t->in.mnemonic != ZYDIS_MNEMONIC_INT;
	unsigned leave = stub_ring_leave_of(t->key, t->in.operand_width / 8u);

	if (!(t->key & KEY_PE) || !asks_ring_stub(t))
		return false;
	if (iret && !v86 && leave < RING_LEAVES)
		call_ring_stub(t, OP_IRET, t->r->ring_leave[leave]);
	else if (traps && !t->cpu->tells_ints)
		enter_ring0(t, iret ? OP_IRET : OP_INT, VEC_GP, t->eip);
	else if (!iret && (t->key & KEY_CPL3) && !(v86 && t->cpu->tells_ints))
		enter_ring0(t, OP_INT, (u8)t->in.raw.imm[0].value.u, t->next);
	else
		return false;
	return true;
}

/* CLI, STI, PUSHF and POPF of V86 mode, which trap below IOPL 3 unless CR4.VME has them done. */
static bool trap_in_v86(struct trans *t, unsigned op)
{
	if ((t->key & (KEY_VM | KEY_IOPL)) != KEY_VM || (t->cpu->cr4 & CR4_VME) ||
	    !asks_ring_stub(t))
		return false;
	enter_ring0(t, op, VEC_GP, t->eip);
	return true;
}

static bool translate_real(struct trans *t)
{
	if (!trans_is_real(t) || !trans_stack_16(t) || trans_seg_class(t, SEG_CS) != CLASS_64K)
		return false;
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_INT:
		return enter(t, (u8)t->in.raw.imm[0].value.u);
	case ZYDIS_MNEMONIC_INT3:
		return enter(t, VEC_BP);
	case ZYDIS_MNEMONIC_IRET:
		return leave(t);
	default:
		return false;
	}
}

bool translate_int(struct trans *t)
{
	if (translate_real(t))
		return true;
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_INT:
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
		return change_ring(t);
	case ZYDIS_MNEMONIC_CLI:
		return trap_in_v86(t, OP_CLI);
	case ZYDIS_MNEMONIC_STI:
		return trap_in_v86(t, OP_STI);
	case ZYDIS_MNEMONIC_PUSHF:
	case ZYDIS_MNEMONIC_PUSHFD:
		return trap_in_v86(t, OP_PUSHF);
	case ZYDIS_MNEMONIC_POPF:
	case ZYDIS_MNEMONIC_POPFD:
		return trap_in_v86(t, OP_POPF);
	default:
		return false;
	}
}
