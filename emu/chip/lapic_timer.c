/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer (SDM 3A 10.5.4). Nothing runs per count: it is worked out from virtual
 * time when somebody looks. A vtimer is armed only for an interrupt that is not masked.
 *
 * emu/dev/late_ticks.h says what becomes of a period whose interrupt comes while the one before is
 * still requested. If it is owed, it is paid after the EOI. Periods below TICKS_MIN_PERIOD_NS are
 * delivered in batches.
 */
#include "emu/chip/lapic_timer.h"

#include "emu/snap/snap.h"

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
	return t->late.owed && !masked(t) && !waiting(t);
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

static void limit_late(struct lapic_timer *t)
{
	if (t->initial)
		ticks_limit(&t->late, period(t));
	else
		ticks_forget(&t->late);
}

/* No interrupt of the timer waits any more. */
static void taken(struct lapic_timer *t)
{
	ticks_taken(&t->late, t->host, vtimers_now(t->timers), period(t));
}

/* A vector below 16 is never requested, so that nothing would hold back what is owed. */
static void forget_refused(struct lapic_timer *t)
{
	if (!waiting(t))
		ticks_forget(&t->late);
}

static void accept(struct lapic_timer *t)
{
	t->accept(t->ctx, (u8)*t->lvt);
}

/* At t->last, one of the periodic ones. */
static void give(struct lapic_timer *t)
{
	ticks_given(&t->late, t->host, t->last);
	accept(t);
}

static void periods_end(struct lapic_timer *t, u64 times)
{
	if (!waiting(t)) {
		taken(t);
		give(t);
		t->late.owed += times - 1;
	} else {
		t->late.held += times;
	}
	limit_late(t);
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

	u64 times = expired - t->expired;

	t->expired = expired;
	t->last = now;
	if (masked(t))
		return;
	if (is_periodic(t))
		periods_end(t, times);
	else
		accept(t);
}

static void pay(struct lapic_timer *t)
{
	u64 now = vtimers_now(t->timers);

	if (!may_pay(t) || now < pay_at(t))
		return;
	t->late.owed--;
	t->last = now;
	give(t);
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
	if (t->late.held && !waiting(t))
		taken(t);
	if (!t->late.owed)
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
		t->deadline = 0;
		ticks_forget(&t->late);
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
	t->expired = 0;
	ticks_forget(&t->late);
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
	limit_late(t);
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
	t->expired = t->last = t->deadline = 0;
	ticks_forget(&t->late);
}

void lapic_timer_state(struct lapic_timer *t, struct snap *s)
{

	snap_u32(s, t->initial);
	snap_range(s, t->shift, 0, 7);
	snap_range(s, t->started, 0, s->now);
	snap_u64(s, t->expired);
	snap_range(s, t->last, 0, s->now);
	snap_u64(s, t->late.owed);
	if (s->version >= 2)
		snap_u64(s, t->late.held);
	ticks_given_state(&t->late, s, t->host, s->version >= 3);
	snap_u64(s, t->deadline);
	vtimer_state(t->timers, &t->timer, s);
	if (!s->loading)
		return;
	/* What could not have come about makes interrupts, or none, but no overflow. */
	if (!t->initial)
		t->expired = 0;
	else
		t->expired = MIN(t->expired, is_periodic(t) ? counts(t, s->now) / t->initial : 1u);
	limit_late(t);
}
