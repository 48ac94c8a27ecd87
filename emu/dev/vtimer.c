/* SPDX-License-Identifier: MIT */
/*
 * The timer queue of one VM: a list sorted by deadline (a PC arms fewer than ten timers at a time).
 * Equal deadlines fire in the order in which they were armed.
 */
#include "emu/dev/bus.h"

#include "emu/snap/snap.h"

void vtimers_init(struct vtimers *q, u64 (*now)(void *ctx), void *ctx)
{
	*q = (struct vtimers){ .now = now, .now_ctx = ctx };
	list_init(&q->queue);
}

void vtimer_init(struct vtimer *t, void (*fire)(void *ctx, u64 now), void *ctx)
{
	*t = (struct vtimer){ .fire = fire, .ctx = ctx };
	list_init(&t->link);
}

/* Off the queue, as vtimer_init() left it: nothing of an earlier deadline stays. */
static void disarm(struct vtimer *t)
{
	list_del(&t->link);
	t->deadline = 0;
}

static u64 earliest(const struct vtimers *q)
{
	if (list_empty(&q->queue))
		return UINT64_MAX;
	return list_entry(q->queue.next, struct vtimer, link)->deadline;
}

static void tell_if_moved(struct vtimers *q, u64 before)
{
	u64 after = earliest(q);

	if (after != before && q->rearm && !q->running)
		q->rearm(q->rearm_ctx, after);
}

void vtimer_arm(struct vtimers *q, struct vtimer *t, u64 deadline)
{
	u64 before = earliest(q);
	struct list *p;

	list_del(&t->link);
	t->deadline = deadline;
	list_for_each (p, &q->queue)
		if (list_entry(p, struct vtimer, link)->deadline > deadline)
			break;
	list_add_before(&t->link, p);
	tell_if_moved(q, before);
}

void vtimer_cancel(struct vtimers *q, struct vtimer *t)
{
	u64 before = earliest(q);

	disarm(t);
	tell_if_moved(q, before);
}

/* The time is read once: a handler that arms itself anew for a later time cannot keep this loop
 * busy for ever. */
u64 vtimers_run(struct vtimers *q)
{
	u64 now = vtimers_now(q);

	q->running = true;
	while (earliest(q) <= now) {
		struct vtimer *t = list_entry(q->queue.next, struct vtimer, link);

		disarm(t);
		t->fire(t->ctx, now);
	}
	q->running = false;
	return earliest(q);
}

void vtimer_state(struct vtimers *q, struct vtimer *t, struct snap *s)
{
	u64 due = vtimer_due(t);

	snap_u64(s, due);
	if (!s->loading || !snap_ok(s))
		return;
	if (due == UINT64_MAX)
		vtimer_cancel(q, t);
	else
		vtimer_arm(q, t, due);
}
