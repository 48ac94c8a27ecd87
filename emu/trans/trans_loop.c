/* SPDX-License-Identifier: MIT */
/*
 * Recognises counted loops (loop.h) at their backward jump, from the bytes between its target and
 * itself, in flat 32-bit code:
 *
 *   1. each instruction is one of those that read() knows, and they follow one another;
 *   2. one of them stores an element, and one conditional jump leaves the loop, or goes round;
 *   3. what all but registers depend on is a register and a number, in the state at the jump.
 *
 * The flags behind any number of iterations are those of the last instruction that writes them.
 */
#include "emu/block/block.h"
#include "emu/block/loop.h"
#include "emu/cpu/stops.h"
#include "emu/trans/trans.h"
#include "kernel/base/bytes.h"

#define INSNS_MAX 8u

enum kind { ADDS, COMPARES, STORES, JUMPS, COUNTS };

/* One instruction. */
struct read {
	enum kind kind;
	u8 len;
	s8 reg;	 /* which is added to, compared or stored */
	u32 imm; /* what is added, compared with or stored; where it jumps, from its end */
	/* ADDS and COMPARES */
	bool flags, keeps_carry, subtracts;
	s8 other; /* compared with */
	/* STORES */
	struct hmem m;
	u8 size, shift;
	bool string;
	u8 condition; /* JUMPS: CC_ALWAYS, or as in Jcc */
};

#define CC_ALWAYS 16u
/* Iterations: a call takes as long as some tens of them. */
#define FEW    64u
#define LITTLE BIT(20)

/* --- 1. The instructions */

static u8 take_byte(const u8 **p)
{
	return *(*p)++;
}

static u32 take_32(const u8 **p)
{
	*p += 4;
	return get_le32(*p - 4);
}

static bool adds(struct read *i, unsigned reg, u32 imm)
{
	i->kind = ADDS;
	i->reg = (s8)reg;
	i->imm = imm;
	return reg != REG_ESP;
}

static bool arithmetic(struct read *i, unsigned digit, unsigned reg, u32 imm)
{
	i->flags = true;
	if (digit == 7) {
		i->kind = COMPARES;
		i->reg = (s8)reg;
		i->other = LOOP_NO_REG;
		i->imm = imm;
		return reg != REG_ESP;
	}
	i->subtracts = digit == 5;
	return (digit == 0 || digit == 5) && adds(i, reg, imm);
}

/* CMP of two registers, or TEST of one, which is a comparison with 0 but for AF. */
static bool compares(struct read *i, unsigned a, int b)
{
	i->kind = COMPARES;
	i->flags = true;
	i->reg = (s8)a;
	i->other = (s8)b;
	return a != REG_ESP && b != REG_ESP;
}

static bool stores(struct read *i, struct hmem m, unsigned size)
{
	i->kind = STORES;
	i->m = m;
	i->size = (u8)size;
	return m.base != R_GSP && i->reg != REG_ESP;
}

static bool string(struct read *i, unsigned size)
{
	i->string = true;
	i->reg = REG_EAX;
	return stores(i, (struct hmem){ .base = REG_EDI, .index = -1, .scale = 1 }, size);
}

static bool jumps(struct read *i, unsigned condition, u32 by)
{
	i->kind = JUMPS;
	i->condition = (u8)condition;
	i->imm = by;
	return true;
}

/* LEA of a register and a number into itself. */
static bool lea(struct read *i, struct hmem m, unsigned reg)
{
	return m.base == (int)reg && m.index < 0 && adds(i, reg, (u32)m.disp);
}

/* Those with a ModRM byte; *p is behind it and what belongs to it. */
static bool with_modrm(struct read *i, u8 opcode, const u8 **p, unsigned size)
{
	u8 modrm = **p;
	unsigned reg = modrm >> 3 & 7, rm = modrm & 7;
	bool memory = modrm < 0xc0;
	struct hmem m = { 0 };

	*p = memory ? trans_take_mem(*p, &m) : *p + 1;
	switch (opcode) {
	case 0x88:
		i->reg = (s8)(reg & 3);
		i->shift = reg & 4 ? 8 : 0;
		return memory && stores(i, m, 1);
	case 0x89:
		i->reg = (s8)reg;
		return memory && stores(i, m, size);
	case 0xc6:
	case 0xc7:
		size = opcode == 0xc6 ? 1 : size;
		i->reg = LOOP_NO_REG;
		i->imm = size == 1 ? **p : size == 2 ? get_le16(*p) : get_le32(*p);
		*p += size;
		return memory && !reg && stores(i, m, size);
	case 0x81:
		return !memory && arithmetic(i, reg, rm, take_32(p));
	case 0x83:
		return !memory && arithmetic(i, reg, rm, (u32)(s8)take_byte(p));
	case 0x85:
		return !memory && reg == rm && compares(i, rm, LOOP_NO_REG);
	case 0x39:
		return !memory && compares(i, rm, (int)reg);
	case 0x3b:
		return !memory && compares(i, reg, (int)rm);
	case 0x8d:
		return memory && lea(i, m, reg);
	default:
		return false;
	}
}

static bool without_modrm(struct read *i, u8 opcode, const u8 **p, unsigned size)
{
	switch (opcode) {
	case 0x05:
	case 0x2d:
	case 0x3d:
		return arithmetic(i, opcode >> 3, REG_EAX, take_32(p));
	case 0x40 ... 0x4f:
		i->flags = i->keeps_carry = true;
		i->subtracts = opcode & 8;
		return adds(i, opcode & 7, 1);
	case 0x70 ... 0x7f:
		return jumps(i, opcode & 15, (u32)(s8)take_byte(p));
	case 0xaa:
		return string(i, 1);
	case 0xab:
		return string(i, size);
	case 0xe2:
		i->reg = REG_ECX;
		(*p)++;
		i->kind = COUNTS;
		return true;
	case 0xe9:
		return jumps(i, CC_ALWAYS, take_32(p));
	case 0xeb:
		return jumps(i, CC_ALWAYS, (u32)(s8)take_byte(p));
	default:
		return false;
	}
}

static bool has_modrm(u8 opcode)
{
	switch (opcode) {
	case 0x39:
	case 0x3b:
	case 0x81:
	case 0x83:
	case 0x85:
	case 0x88:
	case 0x89:
	case 0x8d:
	case 0xc6:
	case 0xc7:
		return true;
	default:
		return false;
	}
}

static bool read(struct read *i, const u8 *bytes)
{
	const u8 *p = bytes;
	bool p66 = *p == 0x66, ok;
	u8 opcode;

	*i = (struct read){ .other = LOOP_NO_REG };
	p += p66;
	opcode = *p++;
	if (opcode == 0x0f && (*p & 0xf0) == 0x80) {
		u8 condition = *p++ & 15;

		ok = jumps(i, condition, take_32(&p));
	} else {
		ok = has_modrm(opcode) ? with_modrm(i, opcode, &p, p66 ? 2 : 4)
				       : without_modrm(i, opcode, &p, p66 ? 2 : 4);
	}
	i->len = (u8)(p - bytes);
	return ok && (!p66 || (i->kind == STORES && i->size == 2));
}

/* --- 2. and 3. What they do together */

/* The loop as far as it was read. Values count from the beginning of the iteration. */
struct reading {
	struct loop loop;
	bool free_flags;	/* the first instruction writes all of them */
	bool compared;		/* by CMP or TEST, which say more than whether a result is 0 */
	struct loop_value a, b; /* what a conditional jump looks at */
};

static struct loop_value now(const struct reading *s, int reg, u32 imm)
{
	return (struct loop_value){ (s8)reg, reg < 0 ? imm : s->loop.step[reg] };
}

static void take_flags(struct reading *s, const struct read *i, enum loop_flags_op op)
{
	struct loop *l = &s->loop;

	if (i->keeps_carry && !l->flags.keeps_carry)
		l->carry = l->flags;
	l->flags = (struct loop_flags){ .op = op,
					.keeps_carry = i->keeps_carry,
					.a = now(s, i->reg, 0),
					.b = now(s, i->other, i->imm) };
}

static bool take_add(struct reading *s, const struct read *i)
{
	if (i->flags)
		take_flags(s, i, i->subtracts ? LOOP_FLAGS_SUB : LOOP_FLAGS_ADD);
	s->loop.step[i->reg] += i->subtracts ? 0u - i->imm : i->imm;
	if (i->flags) {
		s->compared = false;
		s->a = now(s, i->reg, 0);
		s->b = now(s, LOOP_NO_REG, 0);
	}
	return true;
}

static bool take_compare(struct reading *s, const struct read *i)
{
	take_flags(s, i, LOOP_FLAGS_SUB);
	s->compared = true;
	s->a = s->loop.flags.a;
	s->b = s->loop.flags.b;
	return true;
}

static bool take_store(struct reading *s, const struct read *i)
{
	struct loop *l = &s->loop;

	if (l->size)
		return false;
	l->base = i->m.base;
	l->index = i->m.index;
	l->scale = i->m.scale;
	l->plus = (u32)i->m.disp;
	if (l->base >= 0)
		l->plus += l->step[l->base];
	if (l->index >= 0)
		l->plus += l->step[l->index] * l->scale;
	l->stored = now(s, i->reg, i->imm);
	l->size = i->size;
	l->shift = i->shift;
	l->upwards = i->string;
	if (i->string)
		l->step[REG_EDI] += i->size;
	return true;
}

/* Only CMP and TEST tell more than whether the result is 0, or negative. */
static bool known_condition(const struct reading *s, unsigned condition)
{
	switch (condition) {
	case LOOP_WHILE_NOT_EQUAL:
		return true;
	case LOOP_WHILE_NOT_NEGATIVE:
		return !s->compared;
	case LOOP_WHILE_BELOW:
	case LOOP_WHILE_ABOVE_EQUAL:
	case LOOP_WHILE_BELOW_EQUAL:
	case LOOP_WHILE_ABOVE:
	case LOOP_WHILE_LESS:
	case LOOP_WHILE_GREATER_EQUAL:
	case LOOP_WHILE_LESS_EQUAL:
	case LOOP_WHILE_GREATER:
		return s->compared;
	default:
		return false;
	}
}

static bool take_condition(struct reading *s, unsigned condition)
{
	struct loop *l = &s->loop;

	if (l->condition != CC_ALWAYS || !l->flags.op || !known_condition(s, condition))
		return false;
	l->condition = condition;
	l->a = s->a;
	l->b = s->b;
	return true;
}

/* LOOP: ECX is counted down, and compared with 0 without a flag. */
static bool take_count(struct reading *s)
{
	struct loop *l = &s->loop;

	if (l->condition != CC_ALWAYS)
		return false;
	l->step[REG_ECX]--;
	l->condition = LOOP_WHILE_NOT_EQUAL;
	l->a = now(s, REG_ECX, 0);
	l->b = now(s, LOOP_NO_REG, 0);
	return true;
}

/* A jump in the midst of the loop leaves it; the last one goes round. */
static bool take_jump(struct reading *s, const struct read *i, u32 next, u32 end)
{
	u32 start = s->loop.target;

	if (next == end)
		return i->condition == CC_ALWAYS || take_condition(s, i->condition);
	return i->condition != CC_ALWAYS && next + i->imm - start >= end - start &&
	       take_condition(s, i->condition ^ 1u);
}

static bool take(struct reading *s, const struct read *i, u32 next, u32 end)
{
	switch (i->kind) {
	case ADDS:
		return take_add(s, i);
	case COMPARES:
		return take_compare(s, i);
	case STORES:
		return take_store(s, i);
	case COUNTS:
		return next == end && take_count(s);
	default:
		return take_jump(s, i, next, end);
	}
}

/* The values count from the end of the iteration from now on. */
static void count_from_end(struct loop *l)
{
	struct loop_value *v[] = { &l->stored,	&l->a,	     &l->b,	 &l->flags.a,
				   &l->flags.b, &l->carry.a, &l->carry.b };

	for (unsigned i = 0; i < ARRAY_SIZE(v); i++)
		if (v[i]->reg >= 0)
			v[i]->plus -= l->step[v[i]->reg];
	if (l->base >= 0)
		l->plus -= l->step[l->base];
	if (l->index >= 0)
		l->plus -= l->step[l->index] * l->scale;
}

/* Not so far that FEW steps are much of the way around 2^32. */
static bool moves_a_little(u32 step)
{
	return step && step + LITTLE < 2 * LITTLE;
}

/* From the target to the jump, whose end is t->next. */
static bool read_loop(const struct trans *t, struct reading *s)
{
	struct loop *l = &s->loop;
	u32 eip = l->target, end = t->next;
	struct read i;

	while (eip != end) {
		if (l->insns++ == INSNS_MAX || end - eip > end - l->target ||
		    (t->slow_page && block_is_slow(t->r, t->base + eip)) ||
		    (t->cpu->stops.codes && cpu_stops_at(t->cpu, t->base + eip)) ||
		    !read(&i, t->page + ((t->base + eip) & (PAGE_SIZE - 1))))
			return false;
		eip += i.len;
		if (l->insns == 1)
			s->free_flags = i.flags && !i.keeps_carry;
		if (!take(s, &i, eip, end))
			return false;
	}
	count_from_end(l);
	l->counter = s->free_flags && l->condition == LOOP_WHILE_NOT_EQUAL && l->a.reg >= 0 &&
		     l->b.reg < 0 && moves_a_little(l->step[l->a.reg]);
	/* The upper byte of what changes has no number of its own. */
	return l->size && l->condition != CC_ALWAYS && !(l->shift && l->step[l->stored.reg]) &&
	       !(l->upwards && trans_seg_class(t, SEG_ES) != CLASS_FLAT);
}

/* All of it lies on the page, whatever the lengths are. */
static bool may_be_loop(const struct trans *t, u32 target)
{
	return t->flat && !t->slow && !t->b->check_len &&
	       t->next - target <= INSNS_MAX * INSN_MAX && t->eip - t->start < t->easy &&
	       target - t->start < t->easy && !loop_is_plain(t->r, t->base + t->eip);
}

struct loop *trans_counted_loop(struct trans *t, u32 target)
{
	struct reading s = { .loop = { .target = target, .condition = CC_ALWAYS } };
	struct loop *l;

	if (!may_be_loop(t, target) || !read_loop(t, &s))
		return NULL;
	l = block_alloc(t->r, sizeof(*l));
	if (!l)
		return NULL;
	*l = s.loop;
	l->site.eip = t->eip;
	l->site.insn.imm = t->r->blocks;
	return l;
}

/* What is left to be done is less than a call is worth: without one. */
static void emit_few(struct trans *t, const struct loop *l, u32 host)
{
	s32 step = (s32)l->step[l->a.reg];
	u32 off = l->a.plus - l->b.plus, few = (0u - (u32)step) * FEW;
	unsigned reg = (unsigned)l->a.reg;

	if (off) {
		emit_lea(&t->e, false, R9,
			 (struct hmem){
				 .base = l->a.reg, .index = -1, .scale = 1, .disp = (s32)off });
		reg = R9;
	}
	emit_alu_imm(&t->e, ALU_CMP, reg, few);
	emit_jcc_back(&t->e, step < 0 ? CC_BE : CC_NC, host);
}

void trans_go_round(struct trans *t, const struct loop *l, u32 host)
{
	if (l->counter)
		emit_few(t, l, host);
	trans_call_site(t, &l->site, t->r->call_loop);
	emit_jmp_back(&t->e, host);
}
