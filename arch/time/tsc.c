/* SPDX-License-Identifier: MIT */
/*
 * TSC arithmetic in 32.32 fixed point: one multiplication each way, exact to 2^-32 per cycle, no
 * overflow in 128 bits.
 */
#include "arch/time/tsc.h"

#include "arch/cpu/processor.h"

#define TRIES 5

static u64 start, hz;
static u64 ns_per_cycle;  /* 32.32 */
static u64 cycles_per_ns; /* 32.32 */

static u64 scale(u64 v, u64 factor)
{
	return (u64)((unsigned __int128)v * factor >> 32);
}

void tsc_start(void)
{
	start = rdtsc();
}

void tsc_set_hz(u64 value)
{
	/* 2^32 * 1e9 fits 62 bits; 2^32 * hz needs hz below 4 GHz: split. */
	hz = value;
	ns_per_cycle = (1000000000ull << 32) / hz;
	cycles_per_ns = (hz / 1000000000ull << 32) + (hz % 1000000000ull << 32) / 1000000000ull;
}

u64 tsc_hz(void)
{
	return hz;
}

u64 tsc_to_ns(u64 cycles)
{
	return scale(cycles, ns_per_cycle);
}

u64 tsc_from_ns(u64 ns)
{
	return scale(ns, cycles_per_ns);
}

u64 tsc_now_ns(void)
{
	return tsc_to_ns(rdtsc() - start);
}

struct tsc_sample tsc_sample(u64 (*read)(void))
{
	struct tsc_sample best = { 0, UINT64_MAX, 0 };

	for (int i = 0; i < TRIES; i++) {
		u64 before = rdtsc();
		u64 value = read();
		u64 after = rdtsc();

		if (after - before < best.after - best.before)
			best = (struct tsc_sample){ before, after, value };
	}
	return best;
}
