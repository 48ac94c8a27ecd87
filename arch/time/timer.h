/* SPDX-License-Identifier: MIT */
/*
 * The one-shot timer interrupt of this CPU (local APIC timer, or the PIT where there is none).
 */
#pragma once

#include "kernel/base/types.h"

void timer_init(void);
/* Raises the timer interrupt at or soon after clock time ns (kernel/time/clock.h); in the past:
 * at once. UINT64_MAX: disarm. */
void timer_arm(u64 deadline_ns);
/* The same, but an earlier deadline that is set stays: the interrupt comes in time, or early.
 * Programming the timer is a device access; below an emulator it wakes another thread as well. */
void timer_arm_by(u64 deadline_ns);
/* Called from the interrupt, interrupts off. */
void timer_set_handler(void (*fn)(void));
