/* SPDX-License-Identifier: MIT */
/*
 * What the instructions of a block have found out for those behind them, in segments of 64 KiB:
 *
 *   whole        the upper half of a guest's register is 0
 *   low, high    its lower half and any number from low (0 or less) to high (0 or more) make a sum
 *                within 64 KiB: there it neither wraps around nor passes the end
 *   base         R10 has the base of this segment, R11 that of SS
 *
 * A look at the fence finds out the first two. It looks a little further than its own access goes,
 * for the next ones: frames, structures and pushes lie close together. One that meets the fence so
 * is translated with its own access alone from then on (fence.c).
 *
 * This is true on all ways through the block. A jump forward takes it along, and where ways meet,
 * what they agree on stays. A jump back to an instruction must know what was known there. If it
 * does not, and nothing behind that instruction has relied on it, nothing is known any more at the
 * ends of the ways that begin there.
 *
 * An instruction that relies on what others know may not be entered from elsewhere, nor may those
 * between: they are `inner`, as in runs of x87 code, and who comes there gets a block of its own.
 * An instruction keeps nothing unless its translator says so (trans_known_keep()).
 */
#include "emu/trans/fence.h"
#include "emu/trans/trans.h"
#include "kernel/base/string.h"

#define FAR 0x7fff

/* Which of base[] a segment has; R10 is the first. */
static unsigned place_of(unsigned seg)
{
	return seg == SEG_SS;
}

static unsigned this_insn(const struct trans *t)
{
	return t->insns - 1;
}

void trans_known_begin(struct trans *t)
{
	bool small = false;

	for (unsigned seg = 0; seg <= SEG_DS; seg++)
		small |= trans_seg_class(t, seg) == CLASS_64K;
	t->knows = small && !(t->key & (KEY_TF | KEY_SLOW));
	t->keeps = false;
	trans_known_forget(t);
}

void trans_known_next(struct trans *t)
{
	t->keeps = false;
	t->relied[t->insns] = (u8)(t->insns + 1);
	if (t->known.any)
		t->known_at[t->insns] = t->known;
	else
		t->known_at[t->insns].any = false;
}

void trans_known_keep(struct trans *t)
{
	t->keeps = t->knows && !t->slow;
}

static bool is_nothing(const struct known_reg *k)
{
	return !k->whole && !k->low && !k->high;
}

/* Something was found out by this instruction, beside what was known. */
static void note_since(const struct trans *t, struct known_reg *k)
{
	if (is_nothing(k))
		k->since = (u8)this_insn(t);
}

/* On what was found out by instruction `since`, which is entered in front of itself. */
static void rely(struct trans *t, unsigned since)
{
	u8 *from = &t->relied[this_insn(t)];

	*from = (u8)MIN(*from, since + 1);
}

/* Does anybody so far, instruction n or behind it, rely on what was found out before n? */
static bool relies(const struct trans *t, unsigned n)
{
	for (unsigned i = n; i < t->insns; i++)
		if (t->relied[i] <= n)
			return true;
	return false;
}

void trans_known_end(struct trans *t)
{
	unsigned from = t->insns;

	for (unsigned i = t->insns; i--;) {
		from = MIN(from, t->relied[i]);
		t->map[i].inner |= from <= i;
	}
}

/* Something is known from now on. */
static void begin_any(struct trans *t)
{
	if (!t->known.any)
		memset(&t->known, 0, sizeof(t->known));
	t->known.any = true;
}

/* --- Offsets */

static s32 within(s32 v)
{
	return v < -FAR ? -FAR : v > FAR ? FAR : v;
}

/* The fence was asked for reg + low and reg + high, or knows one of them. */
static void learn(struct trans *t, struct known_reg *k, s32 low, s32 high)
{
	note_since(t, k);
	k->whole = true;
	k->low = (s16)within(MIN(k->low, low));
	k->high = (s16)within(MAX(k->high, high));
}

bool trans_known_inside(struct trans *t, unsigned guest, s32 low, s32 high)
{
	struct known_reg *k = &t->known.reg[guest];
	unsigned reg = trans_host_reg(guest);
	bool below, above;

	if (!t->knows)
		return false;
	begin_any(t);
	below = low < k->low;
	above = high > k->high || !k->whole;
	if (k->whole && !below && !above) {
		rely(t, k->since);
		return true;
	}
	if (low < -FAR / 2 || high > FAR / 2 || fence_level(t->r, t->base + t->eip))
		return false;
	if (below && !k->whole && low >= -7 && high <= 0) {
		trans_fence(t, reg, -7, 8);
		learn(t, k, -7, 0);
		return true;
	}
	if ((below && !above) || (!below && low < 0)) /* the other end is known */
		rely(t, k->since);
	if (below) {
		low &= ~7;
		trans_fence(t, reg, low, 1);
	}
	if (above) {
		high = high > 0 || !below ? high | 15 : 0;
		trans_fence(t, reg, high, 1);
	}
	learn(t, k, low, high);
	return true;
}

bool trans_known_whole(struct trans *t, unsigned guest)
{
	if (!t->knows || !t->known.any || !t->known.reg[guest].whole)
		return false;
	rely(t, t->known.reg[guest].since);
	return true;
}

void trans_known_written(struct trans *t, unsigned guest, unsigned bits)
{
	struct known_reg *k = &t->known.reg[guest];

	k->low = k->high = 0;
	if (bits > 16)
		k->whole = false;
}

void trans_known_extended(struct trans *t, unsigned guest)
{
	begin_any(t);
	t->known.reg[guest] = (struct known_reg){ .whole = true, .since = (u8)this_insn(t) };
}

void trans_known_moved(struct trans *t, unsigned guest, s32 by)
{
	struct known_reg *k = &t->known.reg[guest];

	if (by < k->low || by > k->high) {
		trans_known_written(t, guest, 16);
	} else {
		k->low = (s16)within(k->low - by);
		k->high = (s16)within(k->high - by);
	}
}

void trans_known_copied(struct trans *t, unsigned to, unsigned from, unsigned bits)
{
	struct known_reg *k = &t->known.reg[to], was = *k;

	*k = t->known.reg[from];
	if (bits > 16)
		return;
	k->whole = was.whole;
	if (was.whole)
		k->since = (u8)MIN(k->since, was.since);
}

/* --- Bases */

int trans_known_base(struct trans *t, unsigned seg)
{
	struct known_base *b = &t->known.base[place_of(seg)];
	unsigned reg = R10 + place_of(seg);

	if (!t->keeps || seg >= SEG_FS || trans_seg_class(t, seg) != CLASS_64K)
		return -1;
	if (t->known.any && b->seg == seg + 1) {
		rely(t, b->since);
	} else {
		emit_load32(&t->e, reg, SEGMENT_FIELD(seg, base));
		trans_known_loaded(t, seg);
	}
	return (int)reg;
}

void trans_known_loaded(struct trans *t, unsigned seg)
{
	begin_any(t);
	t->known.base[place_of(seg)] =
		(struct known_base){ .seg = (u8)(seg + 1), .since = (u8)this_insn(t) };
}

/* --- Ways through the block */

static const struct known nothing;

static const struct known *here(const struct trans *t)
{
	return t->keeps ? &t->known : &nothing;
}

void trans_known_leave(struct trans *t)
{
	t->known_fixup[t->fixups] = *here(t);
}

void trans_known_move(struct trans *t, unsigned to, unsigned fixup)
{
	t->known_fixup[to] = t->known_fixup[fixup];
}

static void meet_reg(struct known_reg *k, const struct known_reg *other)
{
	k->low = (s16)MAX(k->low, other->low);
	k->high = (s16)MIN(k->high, other->high);
	k->whole = k->whole && other->whole;
	k->since = (u8)MIN(k->since, other->since);
}

void trans_known_join(struct trans *t, unsigned fixup)
{
	const struct known *other = &t->known_fixup[fixup];

	if (t->ended) {
		t->known = *other;
		return;
	}
	t->known.any &= other->any;
	for (unsigned i = 0; i < ARRAY_SIZE(t->known.reg); i++)
		meet_reg(&t->known.reg[i], &other->reg[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(t->known.base); i++) {
		struct known_base *b = &t->known.base[i];

		if (b->seg != other->base[i].seg)
			b->seg = 0;
		b->since = (u8)MIN(b->since, other->base[i].since);
	}
}

static bool implies(const struct known *now, const struct known *then)
{
	if (!then->any || !now->any)
		return !then->any;
	for (unsigned i = 0; i < ARRAY_SIZE(now->reg); i++) {
		const struct known_reg *a = &now->reg[i], *b = &then->reg[i];

		if (a->low > b->low || a->high < b->high || (b->whole && !a->whole))
			return false;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(now->base); i++)
		if (then->base[i].seg && then->base[i].seg != now->base[i].seg)
			return false;
	return true;
}

/* What is relied on from there is relied on here. */
static void rely_on(struct trans *t, const struct known *then)
{
	if (!then->any)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(then->reg); i++)
		if (!is_nothing(&then->reg[i]))
			rely(t, t->known.reg[i].since);
	for (unsigned i = 0; i < ARRAY_SIZE(then->base); i++)
		if (then->base[i].seg)
			rely(t, t->known.base[i].since);
}

bool trans_known_jump_back(struct trans *t, unsigned to)
{
	bool relied = relies(t, to);

	if (implies(here(t), &t->known_at[to])) {
		if (relied)
			rely_on(t, &t->known_at[to]);
		return true;
	}
	if (relied)
		return false;
	/* From there the block may come to pending jumps, and here again, with less. */
	for (unsigned i = 0; i < t->fixups; i++)
		t->known_fixup[i].any = false;
	trans_known_forget(t);
	return true;
}
