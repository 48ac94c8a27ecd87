/* SPDX-License-Identifier: MIT */
/*
 * Between nanoseconds and the ticks of a crystal, without drift: tick t begins at the first
 * nanosecond n for which ticks_at(n, hz) == t, and ticks_begin() returns just that n. No 128-bit
 * division (the monitor links no libgcc).
 */
#pragma once

#include "kernel/base/types.h"

#define NS_PER_S 1000000000u

/* a * b / c, exact over the 96-bit product, rounded down; the quotient must fit 64 bits. */
static inline u64 mul_div(u64 a, u32 b, u32 c)
{
	u64 lo = (a & 0xffffffffu) * b;
	u64 hi = (a >> 32) * b + (lo >> 32);

	return ((hi / c) << 32) + ((((hi % c) << 32) | (lo & 0xffffffffu)) / c);
}

static inline u64 mul_div_up(u64 a, u32 b, u32 c)
{
	u64 lo = (a & 0xffffffffu) * b;
	u64 hi = (a >> 32) * b + (lo >> 32);
	u64 rest = ((hi % c) << 32) | (lo & 0xffffffffu);

	return ((hi / c) << 32) + rest / c + (rest % c ? 1 : 0);
}

/* Shorter periods are delivered in batches. */
#define TICKS_MIN_PERIOD_NS 100000u
/* Owed ticks follow each other in this part of a period: a handler that lets interrupts in before
 * its end and takes no longer than that is never entered within itself, as on a real machine. */
#define TICKS_CATCH_UP 8u

/* When an owed tick may follow the last one. */
static inline u64 ticks_owed_at(u64 last, u64 period_ns)
{
	return last + (period_ns < TICKS_MIN_PERIOD_NS ? 0 : period_ns / TICKS_CATCH_UP);
}

/* Longer than this no kernel leaves a tick waiting that it wants to count, however slowly it runs
 * here. Linux 2.4 holds interrupts off for 50 ms while it measures the TSC, and expects the next
 * ticks to be a period apart. */
#define TICKS_HELD_NS 25000000u

/* Has the guest been run since the tick before, gap_ns ago? Else the timer would be late. */
static inline bool ticks_on_time(u64 gap_ns, u64 period_ns)
{
	return gap_ns < 2 * MAX(period_ns, (u64)TICKS_MIN_PERIOD_NS);
}

/* The guest has taken a tick that it had left waiting, though it was run, while held others came.
 * How many of these it still gets: behind a longer wait they are lost, as on a board. */
static inline u64 ticks_made_up(u64 held, u64 period_ns)
{
	return held <= TICKS_HELD_NS / MAX(period_ns, 1ull) ? held : 0;
}

static inline u64 ticks_at(u64 ns, u32 hz)
{
	return mul_div(ns, hz, NS_PER_S);
}

static inline u64 ticks_begin(u64 tick, u32 hz)
{
	return mul_div_up(tick, NS_PER_S, hz);
}
