/* SPDX-License-Identifier: MIT */
/*
 * Segments of 64 KiB in real and V86 mode: loads, far pointers and far transfers of 16 bits, to
 * another segment by the stub of stub_real.c. What does not have this form is left to C.
 */
#include "emu/trans/trans.h"

/* What the instruction pushes, beside where it goes (TRANS_FAR_IP): two words, put together in
 * memory because shifts change the flags. */
#define RETURN CPU_FIELD(scratch[8])
#define CALLER CPU_FIELD(scratch[10])

bool trans_is_real(const struct trans *t)
{
	return (t->key & (KEY_PE | KEY_VM)) != KEY_PE && !(t->key & (KEY_TF | KEY_SLOW)) &&
	       !t->slow && t->in.operand_width == 16 && !(t->in.attributes & ZYDIS_ATTRIB_HAS_LOCK);
}

static bool loads_inline(const struct trans *t, unsigned seg)
{
	return trans_is_real(t) && seg <= SEG_GS && seg != SEG_CS &&
	       trans_seg_class(t, seg) == CLASS_64K;
}

/* The selector is in R8: 16 times it is the base, by LEA, which leaves the flags alone. */
static void load(struct trans *t, unsigned seg)
{
	struct emit *e = &t->e;
	bool stays = t->keeps && seg < SEG_FS;
	unsigned base = stays ? R10 : R9;

	emit_store16(e, R8, SEGMENT_FIELD(seg, sel));
	emit_lea(e, false, base, (struct hmem){ .base = -1, .index = R8, .scale = 8 });
	emit_lea(e, false, base, (struct hmem){ .base = (s8)base, .index = (s8)base, .scale = 1 });
	emit_store32(e, base, SEGMENT_FIELD(seg, base));
	if (stays)
		trans_known_loaded(t, seg);
}

bool trans_real_load(struct trans *t, unsigned seg, bool pop, struct site *s)
{
	int mi = trans_mem_operand(t);

	if (!loads_inline(t, seg) || (pop && !trans_stack_16(t)) ||
	    (mi >= 0 && trans_mem_checked(t, &t->op[mi])))
		return false;
	if (seg == SEG_SS)
		trans_hold_events(t, s);
	else
		trans_known_keep(t);
	if (pop) {
		trans_pop16(t, R8, 2);
	} else if (mi < 0) {
		emit_movzx16(&t->e, R8, trans_host_reg(s->insn.rm));
	} else {
		emit_load_zx(&t->e, t->r, 2, R8, trans_address(t, &t->op[mi]));
	}
	load(t, seg);
	return true;
}

/* The pointer in memory, to TRANS_FAR_IP. False: needs C. */
static bool fetch_pointer(struct trans *t)
{
	int mi = trans_mem_operand(t);

	if (mi < 0 || t->op[mi].size != 32 || trans_mem_checked(t, &t->op[mi]))
		return false;
	emit_load_zx(&t->e, t->r, 4, R10, trans_address(t, &t->op[mi]));
	emit_store32(&t->e, R10, TRANS_FAR_IP);
	return true;
}

/* The register comes last: the address may be made of it. */
bool trans_real_load_pointer(struct trans *t, unsigned seg)
{
	int mi = trans_mem_operand(t);
	unsigned reg = trans_host_reg((unsigned)trans_gpr(t->op[0].reg.value)), offset;
	struct emit *e = &t->e;
	struct hmem m, sel;

	if (!loads_inline(t, seg) || mi < 0 || t->op[mi].size != 32 ||
	    trans_mem_checked(t, &t->op[mi]))
		return false;
	if (seg != SEG_SS)
		trans_known_keep(t);
	sel = m = trans_address(t, &t->op[mi]);
	sel.disp += 2;
	offset = m.base == R9 || m.index == R9 ? R10 : R9;
	if (offset == R10)
		t->keeps = false;
	emit_load_zx(e, t->r, 2, offset, m);
	emit_load_zx(e, t->r, 2, R8, sel);
	emit_mov16(e, reg, offset);
	trans_known_written(t, (unsigned)trans_gpr(t->op[0].reg.value), 16);
	load(t, seg);
	return true;
}

/* To TRANS_FAR_IP, or to where the instruction says. */
static void go(struct trans *t, bool imm)
{
	if (imm) {
		emit_mov_imm32(&t->e, R8, t->op[0].ptr.offset & 0xffff);
		emit_mov_imm32(&t->e, R9, t->op[0].ptr.segment);
	} else {
		emit_load_zx(&t->e, NULL, 2, R8, TRANS_FAR_IP);
		emit_load_zx(&t->e, NULL, 2, R9, TRANS_FAR_CS);
	}
	emit_jmp(&t->e, t->r->go_far);
	t->ended = true;
}

/*
 * R10 = CS:IP of what follows. Shifts change the flags: the selector is read with the two bytes
 * before it, which are the upper half of ES's limit, and 0 if that is 64 KiB.
 */
void trans_load_return(struct trans *t)
{
	struct emit *e = &t->e;
	struct hmem sel = CPU_FIELD(seg[SEG_CS].sel);

	_Static_assert(offsetof(struct cpu, seg[SEG_CS].sel) ==
			       offsetof(struct cpu, seg[SEG_ES].limit) + 4,
		       "as it is read");
	if (trans_seg_class(t, SEG_ES) == CLASS_64K) {
		sel.disp -= 2;
		emit_load32(e, R10, sel);
		emit_lea(e, false, R10,
			 (struct hmem){ .base = R10,
					.index = -1,
					.scale = 1,
					.disp = (s32)(t->next & 0xffff) });
	} else {
		emit_load_zx(e, NULL, 2, R10, sel);
		emit_store_imm32(e, RETURN, t->next & 0xffff);
		emit_store16(e, R10, CALLER);
		emit_load32(e, R10, RETURN);
	}
}

/* In one store, which SP must not wrap around in, and which faults as a whole. */
static void push_return(struct trans *t)
{
	struct hmem m;

	trans_known_keep(t);
	m = trans_below16(t, 4);

	trans_load_return(t);
	trans_access(t, 0x89, R10, 4, m);
	trans_move_sp(t, -4);
}

/* Mostly to where CS is already: good for the look-up that near returns have. */
static void far_return(struct trans *t)
{
	u32 release = t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? (u32)t->op[0].imm.value.u : 0;
	struct emit_label same = { 0 };
	struct emit *e = &t->e;
	struct hmem m = trans_above16(t, 4), sel = m;

	sel.disp += 2;
	emit_load_zx(e, t->r, 2, R11, sel);
	emit_load_zx(e, t->r, 2, R8, m);
	if (release)
		trans_release_sp(t, 4 + release);
	else
		trans_move_sp(t, 4);
	t->ended = true;
	if (!(t->base & 15)) {
		emit_mov64(e, R10, R_C);
		emit_lea(e, false, R_C,
			 (struct hmem){ .base = R11,
					.index = -1,
					.scale = 1,
					.disp = -(s32)(t->base >> 4) });
		emit_jrcxz(e, &same);
		emit_mov64(e, R_C, R10);
	}
	emit_mov(e, R9, R11);
	emit_jmp(e, t->r->go_far);
	if (t->base & 15)
		return;
	emit_label(e, &same);
	emit_store16(e, R11, CPU_FIELD(seg[SEG_CS].sel));
	trans_emit_look_up(e, t->r, true);
}

/* The segment is where CS is already: as good as a near transfer, but that the selector may be
 * another, as it is on the way from protected mode. */
static void go_near(struct trans *t)
{
	u16 sel = t->op[0].ptr.segment;

	emit_store_imm16(&t->e, sel, CPU_FIELD(seg[SEG_CS].sel));
	trans_jump(t, t->op[0].ptr.offset & 0xffff);
}

bool trans_real_far(struct trans *t, bool imm)
{
	bool jump = t->in.mnemonic == ZYDIS_MNEMONIC_JMP;
	bool near = imm && (u32)t->op[0].ptr.segment << 4 == t->base;

	if (!trans_is_real(t) || trans_seg_class(t, SEG_CS) != CLASS_64K ||
	    (!jump && !trans_stack_16(t)))
		return false;
	if (t->in.mnemonic == ZYDIS_MNEMONIC_RET) {
		far_return(t);
		return true;
	}
	if (!imm && !fetch_pointer(t))
		return false;
	if (near && (t->op[0].ptr.offset & 0xffff) <= t->eip)
		trans_poll(t);
	if (!jump)
		push_return(t);
	if (near)
		go_near(t);
	else
		go(t, imm);
	if (!jump)
		trans_note_return(t);
	return true;
}
