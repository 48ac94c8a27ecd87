/* SPDX-License-Identifier: MIT */
/*
 * Many iterations of a counted loop at once. How many is a number that is surely not too large:
 * what ends the loop, leaves the page, or is no plain memory is left to the loop itself. So nothing
 * here faults, and flags, registers and memory are those behind the last iteration.
 *
 * A call costs as much as some tens of iterations. A loop whose calls cost more than they have
 * saved gets none any more.
 */
#include "emu/jit/recomp_loop.h"

#include "emu/block/block.h"
#include "emu/block/loop.h"
#include "emu/cpu/operand.h"
#include "emu/cpu/semantics.h"
#include "emu/cpu/string_span.h"

#define CALL_COSTS 300 /* instructions, about */
#define CREDIT	   (20 * CALL_COSTS)
#define SIGN	   BIT(31)

static u32 value(const struct cpu *cpu, struct loop_value v)
{
	return v.plus + (v.reg < 0 ? 0 : cpu->gpr[v.reg]);
}

static u32 step_of(const struct loop *l, struct loop_value v)
{
	return v.reg < 0 ? 0 : l->step[v.reg];
}

/* --- How many */

/* How often step can be taken from a towards 2^32, or 0, without passing it. */
static u32 until_wrap(u32 a, s32 step)
{
	return step > 0 ? (0xffffffffu - a) / (u32)step : a / (0u - (u32)step);
}

/* How often a can move by step, and be below b all the time; or above it. It is now. */
static u32 stays_below(u32 a, s32 step, u32 b)
{
	if (a >= b)
		return 0;
	return step > 0 ? (b - 1 - a) / (u32)step : until_wrap(a, step);
}

static u32 stays_above(u32 a, s32 step, u32 b)
{
	if (a <= b)
		return 0;
	return step < 0 ? (a - 1 - b) / (0u - (u32)step) : until_wrap(a, step);
}

static u32 stays_different(u32 a, s32 step, u32 b)
{
	return a < b ? stays_below(a, step, b) : stays_above(a, step, b);
}

/* For a that moves by step and b that does not. */
static u32 holds(unsigned condition, u32 a, s32 step, u32 b)
{
	switch (condition) {
	case LOOP_WHILE_LESS:
	case LOOP_WHILE_LESS_EQUAL:
	case LOOP_WHILE_GREATER:
	case LOOP_WHILE_GREATER_EQUAL:
	case LOOP_WHILE_NOT_NEGATIVE:
		a ^= SIGN; /* signed numbers, moved to where they are in the unsigned order */
		b ^= SIGN;
		break;
	default:
		break;
	}
	switch (condition) {
	case LOOP_WHILE_NOT_EQUAL:
		return stays_different(a, step, b);
	case LOOP_WHILE_BELOW:
	case LOOP_WHILE_LESS:
		return stays_below(a, step, b);
	case LOOP_WHILE_ABOVE:
	case LOOP_WHILE_GREATER:
		return stays_above(a, step, b);
	case LOOP_WHILE_BELOW_EQUAL:
	case LOOP_WHILE_LESS_EQUAL:
		return b == 0xffffffff ? 0 : stays_below(a, step, b + 1);
	default:
		return b == 0 ? 0 : stays_above(a, step, b - 1); /* or not negative */
	}
}

/* The condition of b and a that says the same of a and b. */
static unsigned mirrored(unsigned condition)
{
	switch (condition) {
	case LOOP_WHILE_BELOW:
		return LOOP_WHILE_ABOVE;
	case LOOP_WHILE_ABOVE:
		return LOOP_WHILE_BELOW;
	case LOOP_WHILE_BELOW_EQUAL:
		return LOOP_WHILE_ABOVE_EQUAL;
	case LOOP_WHILE_ABOVE_EQUAL:
		return LOOP_WHILE_BELOW_EQUAL;
	case LOOP_WHILE_LESS:
		return LOOP_WHILE_GREATER;
	case LOOP_WHILE_GREATER:
		return LOOP_WHILE_LESS;
	case LOOP_WHILE_LESS_EQUAL:
		return LOOP_WHILE_GREATER_EQUAL;
	case LOOP_WHILE_GREATER_EQUAL:
		return LOOP_WHILE_LESS_EQUAL;
	default:
		return condition;
	}
}

/* So many iterations, at least, go round as this one does. */
static u32 iterations(const struct cpu *cpu, const struct loop *l)
{
	u32 a = value(cpu, l->a), b = value(cpu, l->b);
	s32 step = (s32)step_of(l, l->a), other = (s32)step_of(l, l->b);

	if (l->condition == LOOP_WHILE_NOT_EQUAL && step && other) {
		a -= b;
		step = (s32)((u32)step - (u32)other);
		b = 0;
		other = 0;
	}
	if (!step == !other) /* nobody moves, or both do */
		return 0;
	return step ? holds(l->condition, a, step, b) : holds(mirrored(l->condition), b, other, a);
}

/* --- The elements */

static u32 address_step(const struct loop *l)
{
	u32 step = l->base < 0 ? 0 : l->step[l->base];

	return l->index < 0 ? step : step + l->step[l->index] * l->scale;
}

/* That of the next iteration. */
static gla_t address(const struct cpu *cpu, const struct loop *l)
{
	u32 at = l->plus + address_step(l);

	if (l->base >= 0)
		at += cpu->gpr[l->base];
	if (l->index >= 0)
		at += cpu->gpr[l->index] * l->scale;
	return at;
}

/* How many elements, of at most so many, lie on the page of the first. Events wait for a page of
 * bytes at most, if all of them are one, too. */
static u32 on_page(gla_t gla, s32 step, u32 size, u32 most)
{
	u32 offset = gla & (PAGE_SIZE - 1), n = PAGE_SIZE;

	if (offset + size > PAGE_SIZE)
		return 0;
	if (step > 0)
		n = (PAGE_SIZE - size - offset) / (u32)step + 1;
	else if (step < 0)
		n = offset / (0u - (u32)step) + 1;
	return MIN(n, most);
}

static inline __attribute__((always_inline)) u8 *put(u8 *to, u32 v, unsigned size)
{
	if (size == 1)
		*to = (u8)v;
	else if (size == 2)
		__builtin_memcpy(to, &v, 2);
	else
		__builtin_memcpy(to, &v, 4);
	return to + size;
}

/* Upwards without a gap, by a loop that is shorter per element than the guest's. */
static inline __attribute__((always_inline)) void count(u8 *to, u32 v, u32 change, unsigned size,
							u32 n)
{
	for (; n & 7; n--, v += change)
		to = put(to, v, size);
	for (; n; n -= 8) {
		u8 *at = to;

		to += 8 * size;
		at = put(at, v, size);
		at = put(at, v += change, size);
		at = put(at, v += change, size);
		at = put(at, v += change, size);
		at = put(at, v += change, size);
		at = put(at, v += change, size);
		at = put(at, v += change, size);
		put(at, v += change, size);
		v += change;
	}
}

static void count_up(u8 *to, u32 v, u32 change, unsigned size, u32 n)
{
	if (size == 1)
		count(to, v, change, 1, n);
	else if (size == 2)
		count(to, v, change, 2, n);
	else
		count(to, v, change, 4, n);
}

static void fill(u8 *to, s64 step, u32 v, u32 change, unsigned size, u32 n)
{
	if (!change && step == size)
		cpu_string_fill(to, v, size, n);
	else if (!change && step == -(s64)size)
		cpu_string_fill(to + step * (n - 1), v, size, n);
	else if (step == size)
		count_up(to, v, change, size, n);
	else
		for (; n; n--, to += step, v += change)
			put(to, v, size);
}

/* Plain memory that may be written, and that nobody watches. */
static u8 *plain(struct cpu *cpu, gla_t gla)
{
	unsigned access = cpu_user_access(cpu) | ACCESS_WRITE;
	const struct softtlb_entry *e = cpu_translate(cpu, gla, access);

	return e && (e->rights & BIT(access)) ? e->host + (gla & (PAGE_SIZE - 1)) : NULL;
}

/* --- The flags */

static u32 flags_of(enum loop_flags_op op, u32 a, u32 b)
{
	u32 r = op == LOOP_FLAGS_ADD ? a + b : a - b, f = operand_flags(a, b, r, SIGN);

	if (op == LOOP_FLAGS_ADD ? r < a : a < b)
		f |= EFLAGS_CF;
	if ((op == LOOP_FLAGS_ADD ? (a ^ r) & (b ^ r) : (a ^ b) & (a ^ r)) & SIGN)
		f |= EFLAGS_OF;
	return f;
}

/* In a loop that ends with INC or DEC another instruction may have left CF, or none. */
static u32 flags_behind(const struct cpu *cpu, const struct loop *l)
{
	const struct loop_flags *f = &l->flags, *c = &l->carry;
	u32 flags = flags_of(f->op, value(cpu, f->a), value(cpu, f->b));

	if (!f->keeps_carry)
		return flags;
	return (flags & ~EFLAGS_CF) |
	       ((c->op ? flags_of(c->op, value(cpu, c->a), value(cpu, c->b)) : cpu->eflags) &
		EFLAGS_CF);
}

/* --- Together */

static void advance(struct cpu *cpu, const struct loop *l, u32 n)
{
	for (unsigned reg = 0; reg < 8; reg++)
		cpu->gpr[reg] += n * l->step[reg];
	if (l->flags.op)
		cpu->eflags = (cpu->eflags & ~(EFLAGS_ARITH & ~EFLAGS_DF)) | flags_behind(cpu, l);
}

/* Returns how many iterations were done. */
static u32 go_round(struct cpu *cpu, const struct loop *l)
{
	gla_t gla = address(cpu, l);
	s32 step = (s32)address_step(l);
	u32 n = on_page(gla, step, l->size, iterations(cpu, l));
	u8 *to;

	if (!n || cpu_align_checked(cpu) || (l->upwards && (cpu->eflags & EFLAGS_DF)))
		return 0;
	to = plain(cpu, gla);
	if (!to)
		return 0;
	fill(to, step, (value(cpu, l->stored) + step_of(l, l->stored)) >> l->shift,
	     step_of(l, l->stored), l->size, n);
	advance(cpu, l, n);
	return n;
}

/* No one call makes up for all others: a loop that runs over a device's memory may begin in plain
 * memory each time. */
static bool pays(struct loop *l, u32 n)
{
	s64 credit = l->credit + (s64)n * l->insns - CALL_COSTS;

	l->credit = (s32)MIN(credit, CREDIT);
	return credit > -CREDIT;
}

/* Without the call from now on. */
static void give_up(struct recomp *r, const struct loop *l)
{
	loop_note_plain(r, r->cpu->seg[SEG_CS].base + l->site.eip);
	block_drop(r, &r->block[l->site.insn.imm]);
}

u32 recomp_loop(struct cpu *cpu, u32 site)
{
	struct recomp *r = cpu->recomp;
	struct loop *l = (struct loop *)(void *)(r->arena + site);

	if (!cpu_must_stop(cpu)) {
		u32 n = go_round(cpu, l);

		r->stats.loop_calls++;
		r->stats.loop_rounds += n;
		if (!pays(l, n))
			give_up(r, l);
		else if (!r->code_changed && !r->flush_wanted)
			return CPU_NEXT;
	}
	cpu->eip = l->target;
	r->pending = CPU_JUMP;
	return CPU_JUMP;
}
