/* SPDX-License-Identifier: MIT */
/*
 * Which virtual CPU runs next, and for how long. Fair by consumed TSC cycles; preemption by the
 * one-shot timer in whatever state the processor is (raw code: the interrupt leaves it; translated
 * code: the poll; monitor: returns to the loop by itself).
 */
#pragma once

#include "vmm/run/vcpu.h"

#define SCHED_SLICE_NS 10000000ull
#define SCHED_SHARE_NS 1000000ull /* before that no wake-up of another VM ends a turn */

/* Runs virtual CPUs, timers and the console for ever. */
void sched_loop(void) __attribute__((noreturn));

/* Programs the timer for the earlier of the slice's end and v's next virtual timer. */
void sched_arm(struct vcpu *v, u64 slice_end);

/* percpu.after_irq */
void sched_after_irq(struct percpu *pc, struct trap_frame *frame);

/* The timer fired, or the console has input: whoever runs comes back to the scheduler. */
bool sched_wanted(void);
