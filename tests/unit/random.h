/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that a seed brings back (xorshift). Set random_state, not to 0, before the first.
 */
#pragma once

#include "kernel/base/types.h"

static u64 random_state;

static u64 rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static inline bool one_in(unsigned n)
{
	return rnd() % n == 0;
}
