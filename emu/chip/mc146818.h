/* SPDX-License-Identifier: MIT */
/*
 * The MC146818 real-time clock with 128 bytes of battery-backed memory, at ports 70h and 71h
 * (Motorola MC146818 data sheet).
 *
 * The time of day is a number of seconds that counts the one-second marks of virtual time since
 * epoch; the ten clock registers are encoded when they are read. Flags come due by themselves: they
 * are worked out when somebody looks, and a timer runs only for those whose interrupt is enabled.
 */
#pragma once

#include "emu/dev/device.h"
#include "emu/dev/late_ticks.h"
#include "kernel/hw/mc146818_regs.h"

struct mc146818 {
	u8 reg[128];
	u8 index;
	bool nmi_masked;
	struct vtimers *timers;
	struct vtimer timer;
	struct irq_line irq;
	const struct board_host *host;
	s64 wall_ahead; /* wall clock less virtual time, seconds: grows while the VM is paused */

	s64 epoch;	/* virtual ns of a one-second mark; may lie before time 0 */
	s64 epoch_time; /* seconds since 1970 that the clock shows from then on */
	s64 marks;	/* one-second marks since epoch that have been accounted */
	u8 day_offset;	/* what the day-of-week register says beyond the date's own */
	u64 pulses;	/* periodic marks accounted, counted from virtual time 0 */
	struct late_ticks late;
	u64 periodic_at; /* ns: the next one not before */
};

/* Reset is the RESET pin's: interrupts off; clock and memory are battery-backed and go on. */
extern const struct device_class mc146818_class;
/* The 128 registers as reading would find them now. No flag is cleared. */
void mc146818_look(const struct mc146818 *r, u8 *reg);
/* Sets a byte of memory as firmware set-up would, and the checksum of 10h..2Dh. */
void mc146818_set_cmos(struct mc146818 *r, u8 index, u8 value);
