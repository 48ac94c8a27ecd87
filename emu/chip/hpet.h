/* SPDX-License-Identifier: MIT */
/*
 * The high precision event timer (IA-PC HPET Specification 1.0a): a counter of 64 bits at 100 MHz
 * and three comparators, each one-shot or periodic, of 32 or 64 bits.
 */
#pragma once

#include "emu/dev/device.h"
#include "kernel/hw/hpet_regs.h"

#define HPET_TIMERS 3u

struct hpet_timer {
	u32 config; /* what the guest may write */
	u64 comparator, period;
	bool up; /* its interrupt line */
};

struct hpet {
	const struct board_host *host;
	struct vtimers *timers;
	struct vtimer timer; /* the next match of any */
	u32 config, status;
	u64 counter; /* when it was switched on, or stands */
	u64 started; /* virtual ns of that */
	u64 synced;  /* the count up to which matches have been seen */
	u64 last;    /* virtual ns of the last match */
	struct hpet_timer t[HPET_TIMERS];
	u32 pins, isa; /* what is driven now, bit by bit */
	/* The board wires these: pins of the I/O APIC; ISA interrupts 0 and 8 in legacy mode; and
	 * that mode itself, in which the 8254 and the RTC are cut off. */
	struct irq_line pin_out, isa_out;
	void (*legacy)(void *ctx, bool on);
	void *legacy_ctx;
};

extern const struct device_class hpet_class;
/* The count now. Changes nothing. */
u64 hpet_look(const struct hpet *h);
