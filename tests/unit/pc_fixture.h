/* SPDX-License-Identifier: MIT */
/*
 * What a device test needs around the device: a bus, a clock that the test moves, and recorders for
 * interrupt lines.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "emu/dev/bus.h"
#include "emu/dev/ticks.h"

#define MS 1000000ull
#define US 1000ull

struct wire {
	bool level;
	unsigned rises, falls;
};

struct pc {
	struct bus bus;
	struct vtimers timers;
	u64 now;
	struct wire wire[16];
};

static inline u64 pc_now(void *ctx)
{
	return ((struct pc *)ctx)->now;
}

static inline void pc_wire_set(void *ctx, unsigned irq, bool level)
{
	struct wire *w = &((struct pc *)ctx)->wire[irq];

	/* A device reports changes only. */
	assert_int_not_equal(level, w->level);
	w->level = level;
	if (level)
		w->rises++;
	else
		w->falls++;
}

static inline void pc_init(struct pc *p)
{
	*p = (struct pc){ .now = 0 };
	bus_init(&p->bus);
	vtimers_init(&p->timers, pc_now, p);
}

static inline struct irq_line pc_wire(struct pc *p, unsigned irq)
{
	return (struct irq_line){ .set = pc_wire_set, .ctx = p, .irq = irq };
}

static inline u8 in8(struct pc *p, u16 port)
{
	return (u8)bus_read(&p->bus, port, 1);
}

static inline void out8(struct pc *p, u16 port, u8 v)
{
	bus_write(&p->bus, port, 1, v);
}

static inline u32 in32(struct pc *p, u16 port)
{
	return bus_read(&p->bus, port, 4);
}

static inline void out32(struct pc *p, u16 port, u32 v)
{
	bus_write(&p->bus, port, 4, v);
}

/* Moves the clock to t, firing each timer at its own time, as a machine that is never late does. */
static inline void run_until(struct pc *p, u64 t)
{
	for (;;) {
		u64 next = UINT64_MAX;

		if (!list_empty(&p->timers.queue))
			next = list_entry(p->timers.queue.next, struct vtimer, link)->deadline;
		if (next > t)
			break;
		if (next > p->now)
			p->now = next;
		vtimers_run(&p->timers);
	}
	p->now = t;
}

static inline void run_for(struct pc *p, u64 ns)
{
	run_until(p, p->now + ns);
}
