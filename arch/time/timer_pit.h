/* SPDX-License-Identifier: MIT */
/*
 * The machine's own 8254: channel 0 as one-shot interrupt source where there is no local APIC,
 * channel 2 as a reference to calibrate against where there is nothing better.
 */
#pragma once

#include "kernel/base/types.h"
#include "kernel/hw/i8254_regs.h"

/* Raises IRQ 0 once after count ticks (1..65535). */
void timer_pit_start(u16 count);
/* Starts channel 2 counting down from 65535 once, speaker off; timer_pit_elapsed() reads ticks
 * since, while below 65535. */
void timer_pit_reference_start(void);
u16 timer_pit_elapsed(void);
