/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer (SDM 3A 10.5.4): one-shot, periodic, by a deadline of the TSC. It counts
 * at 1 GHz through its divider.
 */
#pragma once

#include "emu/dev/board_host.h"
#include "emu/dev/bus.h"
#include "emu/dev/late_ticks.h"
#include "kernel/hw/apic_regs.h"

struct lapic_timer {
	struct vtimer timer;
	u32 initial;
	u8 shift;    /* the divider's */
	u64 started; /* virtual ns: when initial was loaded */
	u64 expired; /* how often it has reached zero since */
	u64 last;    /* virtual ns of the last interrupt */
	struct late_ticks late;
	u64 deadline; /* of the TSC; 0: not armed */
	/* The local APIC's: its entry for the timer, its requests. */
	const u32 *lvt;
	void (*accept)(void *ctx, u8 vector);
	bool (*requested)(void *ctx, u8 vector);
	void *ctx;
	const struct board_host *host;
	struct vtimers *timers;
};

/* lvt, accept, requested and ctx are filled in. */
void lapic_timer_init(struct lapic_timer *t, const struct board_host *host, struct vtimers *timers);
void lapic_timer_reset(struct lapic_timer *t);
void lapic_timer_state(struct lapic_timer *t, struct snap *s);
/* Before the entry of the table changes, and after. */
void lapic_timer_sync(struct lapic_timer *t);
void lapic_timer_changed(struct lapic_timer *t, u32 old);
void lapic_timer_write_initial(struct lapic_timer *t, u32 value);
void lapic_timer_write_divide(struct lapic_timer *t, u32 value);
u32 lapic_timer_current(const struct lapic_timer *t);
u32 lapic_timer_divide(const struct lapic_timer *t);
/* The guest has finished an interrupt of the timer: a period that is owed follows soon. */
void lapic_timer_done(struct lapic_timer *t);
/* IA32_TSC_DEADLINE: 0 in other modes, which ignore writes. */
u64 lapic_timer_deadline(const struct lapic_timer *t);
void lapic_timer_write_deadline(struct lapic_timer *t, u64 tsc);
