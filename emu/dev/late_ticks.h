/* SPDX-License-Identifier: MIT */
/*
 * Periodic ticks that find the one before still waiting. There are two reasons, and a timer cannot
 * tell which:
 *
 *   the guest waited for its turn    on a board it would have taken them: they are owed
 *   the guest ran, with interrupts   on a board they would be lost; but the guest may only be
 *   off or the line masked           slower than there, so those of a short time are owed, too
 *
 * So ticks are held until the guest takes the one that waits. The guest's own time meanwhile says
 * how many a board would have lost. The others are owed: the timer pays one for each interrupt that
 * the guest finishes.
 */
#pragma once

#include "emu/dev/board_host.h"
#include "emu/snap/snap.h"

/* Shorter periods are delivered in batches. */
#define TICKS_MIN_PERIOD_NS 100000u
/* Owed ticks follow each other in this part of a period: a handler that lets interrupts in before
 * its end and takes no longer than that is never entered within itself, as on a real machine. */
#define TICKS_CATCH_UP 8u
/* Longer than this no kernel leaves a tick waiting that it wants to count, however slowly it runs
 * here. Linux 2.4 holds interrupts off for 50 ms while it measures the TSC, and expects the next
 * ticks to be a period apart. */
#define TICKS_HELD_NS 25000000u
/* More than this much time is not caught up: such a guest did not lose ticks but ignored them. */
#define TICKS_OWED_NS 10000000000ull

struct late_ticks {
	u64 owed;
	u64 held;  /* came behind the one that waits */
	u64 given; /* when that one was given, in the guest's own time */
};

/* When an owed tick may follow the last one. */
static inline u64 ticks_owed_at(u64 last, u64 period_ns)
{
	return last + (period_ns < TICKS_MIN_PERIOD_NS ? 0 : period_ns / TICKS_CATCH_UP);
}

static inline void ticks_limit(struct late_ticks *l, u64 period_ns)
{
	l->owed = MIN(l->owed, TICKS_OWED_NS / period_ns);
	l->held = MIN(l->held, TICKS_OWED_NS / period_ns);
}

static inline void ticks_forget(struct late_ticks *l)
{
	l->owed = l->held = 0;
}

/* A tick was given, and waits from now on. */
static inline void ticks_given(struct late_ticks *l, const struct board_host *host, u64 now)
{
	l->given = board_own_time(host, now);
}

/* The guest has taken the tick that waited. Until now held ones cost nothing but their number. */
static inline void ticks_taken(struct late_ticks *l, const struct board_host *host, u64 now,
			       u64 period_ns)
{
	u64 own, lost;

	if (!l->held)
		return;
	own = board_own_time(host, now) - l->given;
	lost = own > TICKS_HELD_NS ? own / period_ns : 0;
	l->owed += l->held - MIN(lost, l->held);
	l->held = 0;
	ticks_limit(l, period_ns);
}

/* How long the tick that waits has done so; streams of before did not know. */
static inline void ticks_given_state(struct late_ticks *l, struct snap *s,
				     const struct board_host *host, bool known)
{
	u64 waits = s->loading ? 0 : board_own_time(host, s->now) - l->given;

	if (known)
		snap_u64(s, waits);
	l->given = board_own_time(host, s->now) - waits;
}
