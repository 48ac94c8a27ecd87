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
#include "emu/block/block.h"
#include "emu/block/loop.h"
#include "emu/trans/trans.h"
#include "kernel/base/bytes.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"

void trans_poll(struct trans *t)
{
	emit_load_zx(&t->e, NULL, 1, R9, (struct hmem){ .base = R_POLL, .index = -1, .scale = 1 });
}

static void poll(struct trans *t, u32 target)
{
	if (target <= t->eip)
		trans_poll(t);
}

/* Returns the place of the jump's displacement to the dispatcher. */
static u8 *make_look_up(struct emit *e, bool small)
{
	u8 *jump;
	struct hmem entry = { .base = R_TABLE, .index = R9, .scale = 8 };
	struct emit_label hit = { 0 };
	unsigned low = small ? R8 : R9;

	if (!small)
		emit_movzx16(e, R9, R8);
	emit_lea(e, true, R9, (struct hmem){ .base = (s8)low, .index = (s8)low, .scale = 1 });
	emit_load64(e, R_C, entry);
	emit_load64(e, R11, CPU_FIELD(lookup_tag));
	emit_lea(e, true, R_C, (struct hmem){ .base = R_C, .index = R8, .scale = 1 });
	emit_lea(e, true, R_C, (struct hmem){ .base = R_C, .index = R11, .scale = 1 });
	emit_jrcxz(e, &hit);
	emit_mov64(e, R_C, R10);
	emit_jmp_open(e);
	jump = e->p;
	emit_u32(e, 0);
	emit_label(e, &hit);
	emit_mov64(e, R_C, R10);
	entry.disp = offsetof(struct lookup_entry, code);
	emit_jmp_mem(e, entry);
	return jump;
}

void trans_keep_look_up(struct recomp *r)
{
	for (unsigned small = 0; small < 2; small++) {
		u8 buffer[2 * LOOK_UP_CODE];
		struct look_up_code *c = &r->look_up_code[small];
		struct emit e = { buffer, buffer, buffer + sizeof(buffer), 0, false };

		c->jump = (u8)(make_look_up(&e, small) - buffer);
		c->len = (u8)(e.p - buffer);
		ASSERT(!e.overflow && c->len <= LOOK_UP_CODE);
		memcpy(c->bytes, buffer, c->len);
	}
}

void trans_emit_look_up(struct emit *e, const struct recomp *r, bool small)
{
	const struct look_up_code *c = &r->look_up_code[small];
	u8 *at = emit_copy(e, c->bytes, c->len);
	u64 behind = emit_here(e) - c->len + c->jump + 4;

	if (at)
		put_le32(at + c->jump, (u32)(r->leave_dispatch - behind));
}

static void jump_r8(struct trans *t, bool small)
{
	emit_mov64(&t->e, R10, R_C);
	trans_emit_look_up(&t->e, t->r, small);
	t->ended = true;
}

void trans_jump_r8(struct trans *t)
{
	jump_r8(t, false);
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
	if (t->key & (KEY_TF | KEY_SLOW)) {
		trans_leave(t, target);
		return;
	}
	slot = t->edges == ARRAY_SIZE(t->edge)
		       ? SLOT_NONE
		       : slot_new(r, t->b->code + (u32)(e->p - e->start) + EMIT_JMP_WORD_SIZE);
	if (slot == SLOT_NONE) {
		e->overflow = true;
		return;
	}
	emit_jmp_word(e, slot_address(r, slot));
	emit_call(e, r->leave_edge);
	*edge = (struct edge){ target, slot, (u16)(e->p - e->start) };
	t->edges++;
}

/* Where the block's own code for an EIP begins, or -1. */
static int inside(struct trans *t, u32 target)
{
	u32 guest = target - t->start;
	const struct insn_map *at;

	if (guest > t->eip - t->start || (t->key & (KEY_TF | KEY_SLOW)) ||
	    (guest && t->b->check_len))
		return -1;
	at = block_insn(t->map, t->insns, guest);
	if (!at || (t->knows && !trans_known_jump_back(t, (unsigned)(at - t->map))) ||
	    !trans_x87_jump_back(t, at))
		return -1;
	return at->host;
}

void trans_jump(struct trans *t, u32 target)
{
	int host;

	host = inside(t, target);
	if (host >= 0) {
		emit_jmp_back(&t->e, (u32)host);
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

/* Then the jump itself faults (SDM 2, JMP), in C. */
static bool beyond_limit(const struct trans *t)
{
	return relative_target(t) > t->limit;
}

/* A rel32 that leads to the block's code for target, now or when it is known. */
static void branch_rel32(struct trans *t, u32 target)
{
	int host = inside(t, target);

	if (host >= 0) {
		emit_u32(&t->e, (u32)(t->e.rx + (u32)host - (emit_here(&t->e) + 4)));
		return;
	}
	if (t->knows)
		trans_known_leave(t);
	t->fixup[t->fixups++] = (struct fixup){ target, t->e.p, t->marked };
	t->fixup_bits |= trans_fixup_bit(target);
	emit_u32(&t->e, 0);
}

static struct site *near_site(struct trans *t)
{
	unsigned op = t->in.mnemonic == ZYDIS_MNEMONIC_CALL  ? OP_SLOW_CALL
		      : t->in.mnemonic == ZYDIS_MNEMONIC_RET ? OP_SLOW_RET
							     : OP_SLOW_JMP;
	struct site *s = trans_site(t, op);

	if (t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op != OP_SLOW_RET)
		s->insn.imm = relative_target(t), s->insn.is_imm = 1;
	return s;
}

static void near_in_c(struct trans *t)
{
	trans_call_hard(t, near_site(t), true);
}

static void loop_in_c(struct trans *t)
{
	struct site *s = trans_site(t, OP_SLOW_LOOP);

	s->insn.reg = t->in.opcode & 3;
	s->insn.imm = (u32)t->op[0].imm.value.s;
	trans_call_hard(t, s, true);
}

/* Jcc to beyond the limit: taken, it is the fault of this instruction. */
static void conditional_fault(struct trans *t)
{
	struct emit *e = &t->e;
	struct emit_label over = { 0 };

	emit_jcc_near(e, (t->in.opcode & 15) ^ 1, &over); /* the opposite condition */
	near_in_c(t);
	emit_label(e, &over);
	t->ended = false;
}

/* The taken path is in this block or behind its end; the other follows. */
void trans_jcc(struct trans *t, unsigned condition, u32 target)
{
	int host = inside(t, target);
	const struct loop *l = host >= 0 ? trans_counted_loop(t, target) : NULL;

	if (l) {
		struct emit_label over = { 0 };

		emit_jcc(&t->e, condition ^ 1, &over);
		trans_go_round(t, l, (u32)host);
		emit_label(&t->e, &over);
		return;
	}
	poll(t, target);
	if (host >= 0) {
		emit_jcc_back(&t->e, condition, (u32)host);
	} else {
		emit_jcc_open(&t->e, condition);
		branch_rel32(t, target);
	}
}

/* JECXZ and LOOPcc with ECX: in 64-bit mode with 67h, and with a byte's reach. l: a counted loop
 * that begins at the block's own code at host, or NULL. */
static void loop_ecx(struct trans *t, u32 target, const struct loop *l, u32 host)
{
	struct emit *e = &t->e;
	struct emit_label taken = { 0 }, not_taken = { 0 };

	emit_loop(e, t->in.opcode, &taken);
	emit_jmp_short(e, &not_taken);
	emit_label(e, &taken);
	if (l) {
		trans_go_round(t, l, host);
	} else {
		emit_jmp_open(e);
		branch_rel32(t, target);
	}
	emit_label(e, &not_taken);
}

static void loop32(struct trans *t, u32 target)
{
	int host = inside(t, target);
	const struct loop *l = host >= 0 ? trans_counted_loop(t, target) : NULL;

	if (!l)
		poll(t, target);
	loop_ecx(t, target, l, (u32)host);
}

static bool is_loop(const struct trans *t)
{
	return t->in.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && t->in.opcode >= 0xe0 &&
	       t->in.opcode <= 0xe3;
}

static void conditional(struct trans *t)
{
	u32 target = relative_target(t);

	trans_known_keep(t);
	if (is_loop(t)) {
		trans_known_written(t, REG_ECX, 32);
		loop32(t, target);
	} else {
		trans_jcc(t, t->in.opcode & 15, target);
	}
}

void trans_jmp(struct trans *t, u32 target)
{
	int host = inside(t, target);
	const struct loop *l = host >= 0 ? trans_counted_loop(t, target) : NULL;

	if (l) {
		trans_go_round(t, l, (u32)host);
		t->ended = true;
		return;
	}
	poll(t, target);
	trans_jump(t, target);
}

/*
 * JCXZ and LOOPcc with CX, which goes through RCX for JRCXZ and waits in R10, for LOOPcc counted
 * down:
 *
 *	jrcxz out ; jnz out (LOOPE) or jz out (LOOPNE) ; ecx = r10 ; jmp target ; out: ecx = r10
 */
static void loop_by_cx(struct trans *t)
{
	struct emit *e = &t->e;
	enum { LOOPNE, LOOPE, LOOP, JCXZ } kind = t->in.opcode & 3;
	u32 target = relative_target(t);
	struct emit_label out = { 0 };

	poll(t, target);
	emit_mov(e, R10, R_C);
	if (kind == JCXZ) {
		struct emit_label taken = { 0 };

		emit_movzx16(e, R_C, R_C);
		emit_jrcxz(e, &taken);
		emit_jmp_short(e, &out);
		emit_label(e, &taken);
	} else {
		emit_lea(e, false, R8,
			 (struct hmem){ .base = R_C, .index = -1, .scale = 1, .disp = -1 });
		emit_mov16(e, R10, R8);
		emit_movzx16(e, R_C, R8);
		emit_jrcxz(e, &out);
		if (kind != LOOP)
			emit_jcc(e, kind == LOOPE ? CC_NZ : CC_Z, &out);
	}
	emit_mov(e, R_C, R10);
	emit_jmp_open(e);
	branch_rel32(t, target);
	emit_label(e, &out);
	emit_mov(e, R_C, R10);
}

/*
 * Mostly CX is all of ECX, and LOOPcc does not begin with 0. The fence says so, and is the poll,
 * too: it begins there.
 */
static void loop16(struct trans *t)
{
	bool counts = (t->in.opcode & 3) != 3; /* not JCXZ */
	int host;

	if (!trans_reg_is_low(t, REG_ECX)) {
		loop_by_cx(t);
		return;
	}
	trans_known_keep(t);
	trans_known_written(t, REG_ECX, 32);
	if (counts)
		emit_lea(&t->e, false, R8,
			 (struct hmem){ .base = R_C, .index = -1, .scale = 1, .disp = -1 });
	trans_fence(t, counts ? R8 : R_C, counts, 1);
	host = inside(t, relative_target(t));
	if (host < 0 || !emit_loop_back(&t->e, t->in.opcode, (u32)host))
		loop_ecx(t, relative_target(t), NULL, 0);
}

/* A target that is not known may lie beyond the limit of CS: the fence checks it. */
static bool target_is_fenced(const struct trans *t)
{
	return t->limit < (t->in.operand_width == 32 ? 0xffffffffu : 0xffffu);
}

static bool target_needs_c(const struct trans *t)
{
	return target_is_fenced(t) && t->slow;
}

/* The target is in R8, and nothing has changed yet. */
static void fence_target(struct trans *t)
{
	if (target_is_fenced(t) && t->limit == 0xffff)
		trans_fence(t, R8, 0, 1);
	else if (target_is_fenced(t))
		trans_limit(t, SEG_CS, R8, 0);
}

/* The near target of an indirect jump or call into R8. False: needs C. */
static bool indirect_target(struct trans *t)
{
	int mi = trans_mem_operand(t);
	bool wide = t->in.operand_width == 32;

	if (target_needs_c(t) || (mi >= 0 && (t->slow || trans_mem_checked(t, &t->op[mi]))))
		return false;
	if (mi < 0)
		emit_rr(&t->e, false, wide ? 0x8b : 0x0fb7, R8,
			trans_host_reg((unsigned)trans_gpr(t->op[0].reg.value)));
	else
		emit_load_zx(&t->e, t->r, wide ? 4 : 2, R8, trans_address(t, &t->op[mi]));
	fence_target(t);
	return true;
}

void trans_note_return(struct trans *t)
{
	if (t->key & (KEY_TF | KEY_SLOW))
		return;
	t->return_eip[t->returns++] = t->next;
	t->ended = false;
	t->marked = 0;
	trans_known_forget(t);
}

static void push_return(struct trans *t)
{
	emit_store_imm(&t->e, t->r, GSP_AT(-4), t->next);
	emit_lea(&t->e, false, R_GSP, GSP_AT(-4));
}

void trans_call(struct trans *t, u32 target)
{
	poll(t, target);
	push_return(t);
	trans_jump(t, target);
	trans_note_return(t);
}

void trans_call_r8(struct trans *t)
{
	push_return(t);
	trans_jump_r8(t);
	trans_note_return(t);
}

void trans_ret(struct trans *t, u32 release)
{
	emit_load_zx(&t->e, t->r, 4, R8, GSP_AT(0));
	emit_lea(&t->e, false, R_GSP, GSP_AT((s32)(4 + release)));
	trans_jump_r8(t);
}

/* CALL: with a flat stack and 32-bit EIP, or another stack and either. */
static bool call(struct trans *t)
{
	bool imm = t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
	unsigned size = t->in.operand_width / 8u;

	if (imm && beyond_limit(t))
		return false;
	if (trans_stack_flat(t) && size == 4) {
		if (imm)
			trans_call(t, relative_target(t));
		else if (indirect_target(t))
			trans_call_r8(t);
		else
			return false;
		return true;
	}
	if (!trans_stack_based(t))
		return false;
	trans_known_keep(t);
	if (imm) {
		poll(t, relative_target(t));
		trans_push16_imm(t, t->next, size);
		trans_jump(t, relative_target(t));
	} else {
		if (!indirect_target(t))
			return false;
		emit_mov(&t->e, R10, R8); /* the target waits */
		trans_push16_imm(t, t->next, size);
		emit_mov(&t->e, R8, R10);
		trans_jump_r8(t);
	}
	trans_note_return(t);
	return true;
}

static bool ret(struct trans *t)
{
	u32 release = t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? (u32)t->op[0].imm.value.u : 0;
	unsigned size = t->in.operand_width / 8u;
	bool flat = trans_stack_flat(t);

	if (target_needs_c(t))
		return false;
	if (flat && size == 4 && !target_is_fenced(t)) {
		trans_ret(t, release);
		return true;
	}
	if (!flat && !trans_stack_based(t))
		return false;
	trans_known_keep(t);
	emit_load_zx(&t->e, t->r, size, R8, flat ? GSP_AT(0) : trans_above16(t, size));
	fence_target(t);
	if (release)
		trans_release_sp(t, size + release);
	else
		trans_move_sp(t, (s32)size);
	jump_r8(t, size == 2);
	return true;
}

bool translate_control(struct trans *t)
{
	switch (t->in.mnemonic) {
	case ZYDIS_MNEMONIC_JMP:
		if (t->in.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
			return false;
		trans_known_keep(t);
		if (t->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && !beyond_limit(t)) {
			trans_jmp(t, relative_target(t));
		} else if (t->op[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE && indirect_target(t)) {
			trans_jump_r8(t);
		} else {
			near_in_c(t);
		}
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
		if (t->in.meta.category != ZYDIS_CATEGORY_COND_BR ||
		    t->in.mnemonic == ZYDIS_MNEMONIC_XBEGIN)
			return false;
		if (is_loop(t) && beyond_limit(t))
			loop_in_c(t);
		else if (is_loop(t) && t->in.address_width == 16)
			loop16(t);
		else if (beyond_limit(t))
			conditional_fault(t);
		else
			conditional(t);
		return true;
	}
}
