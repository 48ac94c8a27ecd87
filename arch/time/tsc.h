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
