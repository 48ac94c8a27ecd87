/* SPDX-License-Identifier: MIT */
/*
 * The time stamp counter as nanoseconds. kernel/time/clock.c calibrates it; until then every
 * conversion gives 0.
 */
#pragma once

#include "kernel/base/types.h"

void tsc_set_hz(u64 hz);
u64 tsc_hz(void);
u64 tsc_to_ns(u64 cycles);
u64 tsc_from_ns(u64 ns);
/* Nanoseconds since the first call of tsc_start(). */
void tsc_start(void);
u64 tsc_now_ns(void);

/* Another counter's value, which was read between two readings of the TSC. */
struct tsc_sample {
	u64 before, after, value;
};

/* The fastest of a few readings: a hypervisor below us may take the CPU away within some. */
struct tsc_sample tsc_sample(u64 (*read)(void));
