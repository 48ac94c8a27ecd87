/* SPDX-License-Identifier: MIT */
/*
 * The monitor's one clock: nanoseconds since start-up, monotonic, from the calibrated TSC.
 */
#pragma once

#include "kernel/base/types.h"

/* A free-running up-counter of known frequency. */
struct clock_reference {
	const char *name;
	u64 hz, mask;
	u64 (*read)(void);
};

/* Calibrates against the first of n references that runs, or the PIT. Takes 10 ms. */
void clock_init(const struct clock_reference *references, unsigned n);
/* Seconds since 1970 UTC, now. */
void clock_set_wall(u64 seconds);
u64 clock_now(void);
/* What it read at this TSC, which has passed. */
u64 clock_at(u64 tsc); /* ns */
u64 clock_wall(void);  /* seconds since 1970 UTC, from the RTC at start-up plus clock_now() */
u64 clock_tsc_hz(void);
u64 clock_ns_to_tsc(u64 ns);
u64 clock_tsc_to_ns(u64 cycles);
const char *clock_source(void); /* what the TSC was calibrated against */
