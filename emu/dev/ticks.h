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

static inline u64 ticks_at(u64 ns, u32 hz)
{
	return mul_div(ns, hz, NS_PER_S);
}

static inline u64 ticks_begin(u64 tick, u32 hz)
{
	return mul_div_up(tick, NS_PER_S, hz);
}
