/* SPDX-License-Identifier: MIT */
/*
 * Which virtual CPU runs next, and for how long. Fair by consumed TSC cycles; preemption by the
 * one-shot timer in whatever state the processor is (raw code: the interrupt leaves it; translated
 * code: the poll; monitor: returns to the loop by itself).
 */
#pragma once

#include "kernel/base/types.h"

#define SCHED_SLICE_NS 10000000ull
#define SCHED_SHARE_NS 1000000ull /* before that no wake-up of another VM ends a turn */

/* Runs virtual CPUs, timers and the console for ever. */
void sched_loop(void) __attribute__((noreturn));
