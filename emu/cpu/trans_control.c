/* SPDX-License-Identifier: MIT */
/*
 * Control transfers within the segment, and the flags that are virtual.
 *
 * A jump inside the block is a jump. One that leaves it goes through a slot (data), which points at
 * the edge's stub until the target is translated. Returns and indirect jumps go through the look-up
 * table by their EIP; the comparison is free of flags:
 *
 *     r9 = low 16 bits of r8, twice;  rcx = [r14 + r9 * 8] + tag + r8;  jrcxz hit
 */
#include "emu/cpu/block.h"
#include "emu/cpu/translate.h"

/*
 * Backward jumps poll before they change anything: a poll that traps runs the whole instruction
 * again. Flag-free: movzx r9d, byte [r13].
 */
static void poll(struct trans *t, u32 target)
{
	if (target > t->eip)
		return;
	emit_rm(&t->e, NULL, false, 0x0fb6, R9,
		(struct hmem){ .base = R_POLL, .index = -1, .scale = 1 });
}

/* rcx is saved in r10; target EIP in r8. */
void trans_jump_r8(struct trans *t)
{
	struct emit *e = &t->e;
	struct hmem entry = { .base = R_TABLE, .index = R9, .scale = 8 };

	emit_rr(e, false, 0x0fb7, R9, R8); /* movzx r9d, r8w */
	emit_lea(e, true, R9, (struct hmem){ .base = R9, .index = R9, .scale = 1 });
	emit_rr(e, true, 0x89, R_C, R10);
	emit_load64(e, R_C, entry);
	emit_load64(e, R11, CPU_FIELD(lookup_tag));
	emit_lea(e, true, R_C, (struct hmem){ .base = R_C, .index = R8, .scale = 1 });
	emit_lea(e, true, R_C, (struct hmem){ .base = R_C, .index = R11, .scale = 1 });
	emit_u8(e, 0xe3); /* jrcxz hit */
	emit_u8(e, 3 + 5);
	emit_rr(e, true, 0x89, R10, R_C);
	emit_jmp(e, t->r->leave_dispatch);
	emit_rr(e, true, 0x89, R10, R_C);
	entry.disp = 8;
	emit_rm(e, NULL, false, 0xff, 4, entry); /* jmp [r14 + r9 * 8 + 8] */
	t->ended = true;
}

void trans_leave(struct trans *t, u32 eip)
{
	emit_mov_imm32(&t->e, R8, eip);
	emit_jmp(&t->e, t->r->leave_dispatch);
	t->ended = true;
}

/*
 *     jmp [slot]         the target's code, or what follows
 *     call leave_edge    its return address names the edge
 */
void trans_edge(struct trans *t, u32 target)
{
	struct recomp *r = t->r;
	struct emit *e = &t->e;
	struct edge *edge = &t->edge[t->edges];
	u32 slot;

	t->ended = true;
	if (!(t->key & KEY_D))
		target &= 0xffff;
	if (t->key & (KEY_TF | KEY_SLOW)) {
		trans_leave(t, target);
		return;
	}
	slot = t->edges == ARRAY_SIZE(t->edge)
		       ? SLOT_NONE
		       : slot_new(r, t->b->code + (u32)(e->p - e->start) + 6);
	if (slot == SLOT_NONE) {
		e->overflow = true;
		return;
	}
	emit_u8(e, 0xff); /* jmp [rip + disp32] */
	emit_u8(e, 0x25);
	emit_u32(e, (u32)(slot_address(r, slot) - (emit_here(e) + 4)));
	emit_call(e, r->leave_edge);
	*edge = (struct edge){ target, slot, (u16)(e->p - e->start) };
	t->edges++;
}

/* Where the block's own code for an EIP begins, or -1. */
static int inside(const struct trans *t, u32 target)
{
	u32 guest = target - t->b->eip;

	if (guest > t->eip - t->b->eip || (t->key & (KEY_TF | KEY_SLOW)))
		return -1;
	return block_boundary(t->map, t->insns, guest);
}

static void jump_to_host(struct trans *t, int host)
{
	emit_jmp(&t->e, t->e.rx + (u32)host);
}

void trans_jump(struct trans *t, u32 target)
{
	int host;

	if (!(t->key & KEY_D))
		target &= 0xffff;
	host = inside(t, target);
	if (host >= 0) {
		jump_to_host(t, host);
		t->ended = true;
	} else {
		trans_edge(t, target);
	}
}

static u32 relative_target(const struct trans *t)
{
	u32 target = t->next + (u32)t->op[0].imm.value.s;

	return t->in.operand_width == 16 ? target & 0xffff : target;
}

/* A rel32 that leads to the block's code for target, now or when it is known. */
static void branch_rel32(struct trans *t, u32 target)
{
	int host = inside(t, target);

	if (host >= 0) {
		emit_u32(&t->e, (u32)(t->e.rx + (u32)host - (emit_here(&t->e) + 4)));
		return;
	}
	t->fixup[t->fixups++] = (struct fixup){ target, t->e.p };
	emit_u32(&t->e, 0);
}

/* Jcc, JECXZ, LOOPcc: the taken path is in this block or behind its end; the other follows. */
static void conditional(struct trans *t)
{
	struct emit *e = &t->e;
	u32 target = relative_target(t);

	if (!(t->key & KEY_D))
		target &= 0xffff;
	poll(t, target);
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_JCXZ:
	case ZYDIS_MNEMONIC_JECXZ:
	case ZYDIS_MNEMONIC_LOOP:
	case ZYDIS_MNEMONIC_LOOPE:
	case ZYDIS_MNEMONIC_LOOPNE:
		/* With ECX they exist in 64-bit mode (67h), with a byte's reach. */
		emit_u8(e, 0x67);
		emit_u8(e, t->in.opcode);
		emit_u8(e, 2);
		emit_u8(e, 0xeb); /* not taken: over the near jump */
		emit_u8(e, 5);
		emit_u8(e, 0xe9);
		break;
	default:
		emit_u8(e, 0x0f);
		emit_u8(e, (u8)(0x80 | (t->in.opcode & 15)));
	}
	branch_rel32(t, target);
}

/* EIP may come to lie beyond the limit of CS: C checks that. A 16-bit EIP passes 64 KiB in no
 * segment. */
static bool may_leave_segment(const struct trans *t)
{
	return t->in.operand_width == 32 && trans_seg_class(t, SEG_CS) == CLASS_CHECKED;
}

/* The near target of an indirect jump or call into R8. False: needs C. */
static bool indirect_target(struct trans *t)
{
	int mi = trans_mem_operand(t);

	if (t->in.operand_width != 32 || may_leave_segment(t))
		return false;
	if (mi < 0) {
		emit_rr(&t->e, false, 0x89, trans_host_reg((unsigned)trans_gpr(t->op[0].reg.value)),
			R8);
		return true;
	}
	if (t->slow || trans_seg_class(t, trans_seg(t->op[mi].mem.segment)) == CLASS_CHECKED)
		return false;
	emit_rm(&t->e, t->r, false, 0x8b, R8, trans_address(t, &t->op[mi]));
	return true;
}

/* The block goes on behind a call. */
static void note_return(struct trans *t)
{
	if (t->key & (KEY_TF | KEY_SLOW))
		return;
	t->return_eip[t->returns++] = t->next;
	t->ended = false;
}

static bool call(struct trans *t)
{
	if (!trans_stack_flat(t) || t->in.operand_width != 32 || may_leave_segment(t))
		return false;
	if (t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		poll(t, relative_target(t));
		emit_rm(&t->e, t->r, false, 0xc7, 0, GSP_AT(-4));
		emit_u32(&t->e, t->next);
		emit_lea(&t->e, false, R_GSP, GSP_AT(-4));
		trans_jump(t, relative_target(t));
		note_return(t);
		return true;
	}
	if (!indirect_target(t))
		return false;
	emit_rm(&t->e, t->r, false, 0xc7, 0, GSP_AT(-4));
	emit_u32(&t->e, t->next);
	emit_lea(&t->e, false, R_GSP, GSP_AT(-4));
	trans_jump_r8(t);
	note_return(t);
	return true;
}

static bool ret(struct trans *t)
{
	if (!trans_stack_flat(t) || t->in.operand_width != 32 || may_leave_segment(t))
		return false;

	s32 extra = t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? (s32)t->op[0].imm.value.u : 0;

	emit_rm(&t->e, t->r, false, 0x8b, R8, GSP_AT(0));
	emit_lea(&t->e, false, R_GSP, GSP_AT(4 + extra));
	trans_jump_r8(t);
	return true;
}

static void near_in_c(struct trans *t)
{
	unsigned op = t->in.mnemonic == ZYDIS_MNEMONIC_CALL  ? OP_SLOW_CALL
		      : t->in.mnemonic == ZYDIS_MNEMONIC_RET ? OP_SLOW_RET
							     : OP_SLOW_JMP;
	struct site *s = trans_site(t, op);

	if (t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op != OP_SLOW_RET)
		s->insn.imm = relative_target(t), s->insn.imm2 = 1;
	trans_call_hard(t, s, true);
}

static void loop16(struct trans *t)
{
	struct site *s = trans_site(t, OP_SLOW_LOOP);

	s->insn.reg = t->in.opcode & 3;
	s->insn.imm = (u32)t->op[0].imm.value.s;
	trans_call_hard(t, s, true);
}

bool translate_control(struct trans *t)
{
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_JMP:
		if (t->in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
			return false;
		if (t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
			poll(t, relative_target(t));
			trans_jump(t, relative_target(t));
		} else if (indirect_target(t))
			trans_jump_r8(t);
		else
			near_in_c(t);
		return true;
	case ZYDIS_MNEMONIC_CALL:
		if (t->in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
			return false;
		if (!call(t))
			near_in_c(t);
		return true;
	case ZYDIS_MNEMONIC_RET:
		if (t->in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
			return false;
		if (!ret(t))
			near_in_c(t);
		return true;
	default:
		if (t->in.meta.category != ZYDIS_CATEGORY_COND_BR)
			return false;
		if (t->in.address_width == 16 && t->in.opcode >= 0xe0 && t->in.opcode <= 0xe3 &&
		    t->in.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT)
			loop16(t);
		else
			conditional(t);
		return true;
	}
}
