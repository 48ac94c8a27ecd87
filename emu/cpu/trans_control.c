/* SPDX-License-Identifier: MIT */
/*
 * Control transfers within the segment, and the flags that are virtual.
 *
 * A jump inside the page goes through a slot (data), which points at the edge's stub until the
 * target is translated. Every other jump, and every return, goes through the look-up table by its
 * EIP; the comparison is free of flags:
 *
 *     r9 = &table[low 16 bits of r8];  rcx = entry.minus_tag + tag + r8;  jrcxz hit
 */
#include "emu/cpu/translate.h"

static u64 slot_address(const struct recomp *r, u32 slot)
{
	return (u64)r->cfg.cache_rx + slot;
}

/*
 * Backward jumps poll before they change anything: a poll that traps runs the whole instruction
 * again. Flag-free.
 */
static void poll(struct trans *t, u32 target)
{
	if (target > t->eip)
		return;
	emit_load64(&t->e, R9, CPU_FIELD(poll));
	emit_rm(&t->e, NULL, false, 0x0fb6, R9,
		(struct hmem){ .base = R9, .index = -1, .scale = 1 });
}

/* rcx is saved in r10; entry's address in r9; target EIP in r8. */
static void lookup(struct trans *t)
{
	struct emit *e = &t->e;

	emit_rr(e, true, 0x89, R_C, R10);
	emit_rm(e, NULL, true, 0x8b, R_C, (struct hmem){ .base = R9, .index = -1, .scale = 1 });
	emit_load64(e, R11, CPU_FIELD(lookup_tag));
	emit_lea(e, true, R_C, (struct hmem){ .base = R_C, .index = R8, .scale = 1 });
	emit_lea(e, true, R_C, (struct hmem){ .base = R_C, .index = R11, .scale = 1 });
	emit_u8(e, 0xe3); /* jrcxz hit */
	emit_u8(e, 3 + 5);
	emit_rr(e, true, 0x89, R10, R_C);
	emit_jmp(e, t->r->leave_dispatch);
	emit_rr(e, true, 0x89, R10, R_C);
	emit_u8(e, 0x41); /* jmp [r9 + 8] */
	emit_u8(e, 0xff);
	emit_u8(e, 0x61);
	emit_u8(e, 8);
	t->ended = true;
}

void trans_jump_r8(struct trans *t)
{
	emit_rr(&t->e, false, 0x0fb7, R9, R8);
	emit_lea(&t->e, true, R9, (struct hmem){ .base = R9, .index = R9, .scale = 1 });
	emit_lea(&t->e, true, R9, (struct hmem){ .base = R_TABLE, .index = R9, .scale = 8 });
	lookup(t);
}

void trans_leave(struct trans *t, u32 eip)
{
	emit_mov_imm32(&t->e, R8, eip);
	emit_jmp(&t->e, t->r->leave_dispatch);
	t->ended = true;
}

static bool same_page(const struct trans *t, u32 target)
{
	return ((target ^ t->b->eip) & ~(PAGE_SIZE - 1)) == 0 && !(t->key & (KEY_TF | KEY_SLOW));
}

static u32 new_slot(struct recomp *r)
{
	r->slot_next -= 16;
	return r->slot_next;
}

static void jump_slot(struct trans *t, u32 target)
{
	struct recomp *r = t->r;
	struct edge *edge = t->b->edge[0].slot == SLOT_NONE ? &t->b->edge[0] : &t->b->edge[1];
	struct emit *e = &t->e;

	edge->slot = new_slot(r);
	edge->target = target;
	emit_u8(e, 0xff); /* jmp [rip + disp32] */
	emit_u8(e, 0x25);
	emit_u32(e, (u32)(slot_address(r, edge->slot) - (emit_here(e) + 4)));
	u64 *slot = (u64 *)(void *)(r->cfg.cache_rw + edge->slot);

	slot[0] = slot[1] = emit_here(e);
	emit_mov_imm32(e, R8, target);
	emit_mov_imm32(e, R9, edge->slot);
	emit_jmp(e, r->leave_edge);
	t->ended = true;
}

void trans_jump(struct trans *t, u32 target)
{
	if (!(t->key & KEY_D))
		target &= 0xffff;
	if (t->key & (KEY_TF | KEY_SLOW)) {
		trans_leave(t, target);
		return;
	}
	if (same_page(t, target)) {
		jump_slot(t, target);
		return;
	}
	emit_mov_imm32(&t->e, R8, target);
	emit_lea(&t->e, true, R9,
		 (struct hmem){
			 .base = R_TABLE, .index = -1, .disp = (s32)((target & 0xffff) * 16) });
	lookup(t);
}

static u32 relative_target(const struct trans *t)
{
	u32 target = t->next + (u32)t->op[0].imm.value.s;

	return t->in.operand_width == 16 ? target & 0xffff : target;
}

/* Jcc, JECXZ, LOOPcc over the taken path: emits the condition with a rel32 or rel8 to be filled in.
 */
static void conditional(struct trans *t)
{
	struct emit *e = &t->e;
	u32 target = relative_target(t), fall = t->next;
	u8 *fix;

	poll(t, target);

	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_JCXZ:
	case ZYDIS_MNEMONIC_JECXZ:
	case ZYDIS_MNEMONIC_LOOP:
	case ZYDIS_MNEMONIC_LOOPE:
	case ZYDIS_MNEMONIC_LOOPNE: {
		/* Only JECXZ/LOOP with ECX exist in 64-bit mode (67h); with CX the value goes
		 * through R10. */
		u8 opcode = t->in.opcode;

		emit_u8(e, 0x67);
		emit_u8(e, opcode);
		emit_u8(e, 2);
		emit_u8(e, 0xeb); /* not taken: skip the near jump to the taken path */
		emit_u8(e, 5);
		emit_u8(e, 0xe9);
		fix = e->p;
		emit_u32(e, 0);
		break;
	}
	default:
		emit_u8(e, 0x0f);
		emit_u8(e, (u8)(0x80 | (t->in.opcode & 15)));
		fix = e->p;
		emit_u32(e, 0);
	}

	trans_jump(t, fall);
	if (!e->overflow) {
		s32 rel = (s32)(e->p - (fix + 4));

		for (int i = 0; i < 4; i++)
			fix[i] = (u8)((u32)rel >> (8 * i));
	}
	trans_jump(t, target);
}

static bool stack_flat32(const struct trans *t)
{
	return !t->slow && (t->key & KEY_B) && trans_seg_class(t, SEG_SS) == CLASS_FLAT;
}

#define GSP_AT(d) \
	((struct hmem){ .base = R_GSP, .index = -1, .scale = 1, .disp = (d), .guest = true })

/* The near target of an indirect jump or call into R8. False: needs C. */
static bool indirect_target(struct trans *t)
{
	int mi = trans_mem_operand(t);

	if (t->in.operand_width != 32)
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

static bool call(struct trans *t)
{
	if (!stack_flat32(t) || t->in.operand_width != 32)
		return false;
	if (t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		poll(t, relative_target(t));
		emit_rm(&t->e, t->r, false, 0xc7, 0, GSP_AT(-4));
		emit_u32(&t->e, t->next);
		emit_lea(&t->e, false, R_GSP, GSP_AT(-4));
		trans_jump(t, relative_target(t));
		return true;
	}
	if (!indirect_target(t))
		return false;
	emit_rm(&t->e, t->r, false, 0xc7, 0, GSP_AT(-4));
	emit_u32(&t->e, t->next);
	emit_lea(&t->e, false, R_GSP, GSP_AT(-4));
	trans_jump_r8(t);
	return true;
}

static bool ret(struct trans *t)
{
	if (!stack_flat32(t) || t->in.operand_width != 32)
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

/* --- Virtual flags
 * -------------------------------------------------------------------------------------------------
 */

bool translate_flags(struct trans *t)
{
	bool inline_ok = (t->key & KEY_IOPL) && (t->key & KEY_PE) &&
			 !(t->key & (KEY_VM | KEY_TF)) && !t->slow;

	if (!inline_ok)
		return false;
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_CLI:
		emit_store_imm32(&t->e, CPU_FIELD(vif), 0);
		return true;
	case ZYDIS_MNEMONIC_STI:
		emit_store_imm32(&t->e, CPU_FIELD(vif), EFLAGS_IF);
		t->sti = true;
		return true;
	default:
		return false;
	}
}
