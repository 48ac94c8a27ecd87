/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer (SDM 3A 10.5.4). Nothing runs per count: it is worked out from virtual
 * time when somebody looks. A vtimer is armed only for an interrupt that is not masked.
 *
 * A period whose interrupt comes while the one before is still requested is owed, and paid after
 * the EOI, so that a guest that counts periods keeps its time however late it ran (ticks_owed_at()
 * says when). Those that the guest itself held up for long are lost, as on a board. Periods below
 * TICKS_MIN_PERIOD_NS are delivered in batches.
 */
#include "emu/chip/lapic_timer.h"

#include "emu/dev/ticks.h"
#include "emu/snap/snap.h"

#define OWED_NS 10000000000ull /* more than this much time is not caught up */

static bool is_periodic(const struct lapic_timer *t)
{
	return (*t->lvt & (LVT_PERIODIC | LVT_DEADLINE)) == LVT_PERIODIC;
}

static bool by_deadline(const struct lapic_timer *t)
{
	return *t->lvt & LVT_DEADLINE;
}

static bool masked(const struct lapic_timer *t)
{
	return *t->lvt & LVT_MASKED;
}

static u64 counts(const struct lapic_timer *t, u64 now)
{
	return (now - t->started) >> t->shift;
}

static void arm_at(struct lapic_timer *t, u64 at)
{
	if (vtimer_due(&t->timer) != at)
		vtimer_arm(t->timers, &t->timer, at);
}

static u64 period(const struct lapic_timer *t)
{
	return (u64)t->initial << t->shift;
}

static bool waiting(const struct lapic_timer *t)
{
	return t->requested(t->ctx, (u8)*t->lvt);
}

/* May a period that is owed be paid now, or once it is time? */
static bool may_pay(const struct lapic_timer *t)
{
	return t->owed && !masked(t) && !waiting(t);
}

static u64 pay_at(const struct lapic_timer *t)
{
	return ticks_owed_at(t->last, period(t));
}

static void arm(struct lapic_timer *t)
{
	if (!masked(t) && by_deadline(t) && t->deadline) {
		arm_at(t, t->host->tsc_due(t->host->ctx, t->deadline));
	} else if (!masked(t) && !by_deadline(t) && t->initial && (is_periodic(t) || !t->expired)) {
		u64 at = t->started + (((t->expired + 1) * t->initial) << t->shift);

		if (is_periodic(t))
			at = MAX(at, t->last + TICKS_MIN_PERIOD_NS);
		arm_at(t, may_pay(t) ? MIN(at, pay_at(t)) : at);
	} else {
		vtimer_cancel(t->timers, &t->timer);
	}
}

static void limit_owed(struct lapic_timer *t)
{
	t->owed = t->initial ? MIN(t->owed, OWED_NS / period(t)) : 0;
	t->held = t->initial ? MIN(t->held, OWED_NS / period(t)) : 0;
}

/* No interrupt of the timer waits any more. */
static void taken(struct lapic_timer *t)
{
	if (t->held)
		t->owed += ticks_made_up(t->held, period(t));
	t->held = 0;
}

/* A vector below 16 is never requested, so that nothing would hold back what is owed. */
static void forget_refused(struct lapic_timer *t)
{
	if (!waiting(t))
		t->owed = 0;
}

static void accept(struct lapic_timer *t)
{
	t->accept(t->ctx, (u8)*t->lvt);
}

/* gap: ns since the interrupt before. */
static void periods_end(struct lapic_timer *t, u64 times, u64 gap)
{
	if (!waiting(t)) {
		taken(t);
		accept(t);
		times--;
	} else if (ticks_on_time(gap, period(t))) {
		t->held += times;
		times = 0;
	}
	t->owed += times;
	limit_owed(t);
	forget_refused(t);
}

/* What has expired by now becomes interrupts. */
void lapic_timer_sync(struct lapic_timer *t)
{
	u64 now = vtimers_now(t->timers), expired;

	if (by_deadline(t) || !t->initial)
		return;
	expired = counts(t, now) / t->initial;
	if (!is_periodic(t))
		expired = MIN(expired, 1u);
	if (expired <= t->expired)
		return;

	u64 times = expired - t->expired, gap = now - t->last;

	t->expired = expired;
	t->last = now;
	if (masked(t))
		return;
	if (is_periodic(t))
		periods_end(t, times, gap);
	else
		accept(t);
}

static void pay(struct lapic_timer *t)
{
	u64 now = vtimers_now(t->timers);

	if (!may_pay(t) || now < pay_at(t))
		return;
	t->owed--;
	t->last = now;
	accept(t);
	forget_refused(t);
}

static void fire(void *ctx, u64 now)
{
	struct lapic_timer *t = ctx;

	(void)now;
	if (by_deadline(t)) {
		u64 due = t->host->tsc_due(t->host->ctx, t->deadline);

		/* Time has gone on since the timers began to run, and the answer is of now. */
		if (due <= vtimers_now(t->timers)) {
			t->deadline = 0;
			accept(t);
		}
	} else {
		lapic_timer_sync(t);
		pay(t);
	}
	arm(t);
}

void lapic_timer_done(struct lapic_timer *t)
{
	if (t->held && !waiting(t)) {
		taken(t);
		limit_owed(t);
	}
	if (!t->owed)
		return;
	pay(t);
	arm(t);
}

/* One-shot and periodic share the count; the way to and from the deadline disarms (SDM 3A
 * 10.5.4.1). From periodic to one-shot the period that runs is the last. */
void lapic_timer_changed(struct lapic_timer *t, u32 old)
{
	u32 changed = old ^ *t->lvt;

	if (changed & LVT_DEADLINE)
		t->initial = 0;
	if (changed & (LVT_DEADLINE | LVT_PERIODIC)) {
		t->started = MIN(t->started + ((t->expired * t->initial) << t->shift),
				 vtimers_now(t->timers));
		t->expired = 0;
		t->owed = t->held = t->deadline = 0;
	}
	arm(t);
}

void lapic_timer_write_initial(struct lapic_timer *t, u32 value)
{

	if (by_deadline(t))
		return;
	lapic_timer_sync(t);
	t->initial = value;
	t->started = vtimers_now(t->timers);
	t->expired = t->owed = t->held = 0;
	arm(t);
}

/* Goes on from the present count. */
void lapic_timer_write_divide(struct lapic_timer *t, u32 value)
{
	u64 now = vtimers_now(t->timers), done;

	lapic_timer_sync(t);
	done = counts(t, now);
	if (t->initial)
		done -= MIN(t->expired * t->initial, done);
	t->shift = (u8)(((value & 3) | (value >> 1 & 4)) + 1) & 7;
	/* A one-shot that is over stays so; the periods before this one are forgotten. */
	t->expired = !is_periodic(t) && t->expired;
	t->started = now - MIN(done << t->shift, now);
	limit_owed(t);
	arm(t);
}

u32 lapic_timer_divide(const struct lapic_timer *t)
{
	u32 v = (t->shift - 1u) & 7;

	return (v & 3) | (v & 4) << 1;
}

u32 lapic_timer_current(const struct lapic_timer *t)
{
	u64 done = counts(t, vtimers_now(t->timers));

	if (by_deadline(t) || !t->initial)
		return 0;
	if (is_periodic(t))
		return t->initial - (u32)(done % t->initial);
	return done < t->initial && !t->expired ? t->initial - (u32)done : 0;
}

u64 lapic_timer_deadline(const struct lapic_timer *t)
{
	return by_deadline(t) ? t->deadline : 0;
}

void lapic_timer_write_deadline(struct lapic_timer *t, u64 tsc)
{
	if (!by_deadline(t))
		return;
	t->deadline = tsc;
	arm(t);
}

void lapic_timer_init(struct lapic_timer *t, const struct board_host *host, struct vtimers *timers)
{
	t->host = host;
	t->timers = timers;
	vtimer_init(&t->timer, fire, t);
}

void lapic_timer_reset(struct lapic_timer *t)
{

	vtimer_cancel(t->timers, &t->timer);
	t->initial = 0;
	t->shift = 1;
	t->started = vtimers_now(t->timers);
	t->expired = t->owed = t->held = t->last = t->deadline = 0;
}

void lapic_timer_state(struct lapic_timer *t, struct snap *s)
{

	snap_u32(s, t->initial);
	snap_range(s, t->shift, 0, 7);
	snap_range(s, t->started, 0, s->now);
	snap_u64(s, t->expired);
	snap_range(s, t->last, 0, s->now);
	snap_u64(s, t->owed);
	if (s->version >= 2)
		snap_u64(s, t->held);
	snap_u64(s, t->deadline);
	vtimer_state(t->timers, &t->timer, s);
	if (!s->loading)
		return;
	/* What could not have come about makes interrupts, or none, but no overflow. */
	if (!t->initial)
		t->expired = 0;
	else
		t->expired = MIN(t->expired, is_periodic(t) ? counts(t, s->now) / t->initial : 1u);
	limit_owed(t);
}
