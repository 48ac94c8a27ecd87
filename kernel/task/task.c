/* SPDX-License-Identifier: MIT */
/*
 * Who is next, for how long, and what wakes whom.
 */
#include "kernel/task/task.h"

void runq_init(struct runq *rq)
{
	*rq = (struct runq){ 0 };
	list_init(&rq->tasks);
}

/* --- Tasks and wait queues */

void task_init(struct runq *rq, struct task *t, const struct task_ops *ops, bool first)
{
	*t = (struct task){ .rq = rq, .ops = ops, .first = first, .used = first ? 0 : rq->floor };
	list_init(&t->waiting);
	list_add_tail(&t->link, &rq->tasks);
}

void task_end(struct task *t)
{
	list_del(&t->waiting);
	list_del(&t->link);
}

void task_sleep(struct task *t, struct waitq *w, u64 until)
{
	list_del(&t->waiting);
	t->wakes_at = until;
	if (w)
		list_add_tail(&t->waiting, &w->tasks);
}

void task_wake(struct task *t)
{
	list_del(&t->waiting);
	t->wakes_at = 0;
	t->rq->urgent |= t->first;
}

u64 task_wakes_at(struct task *t)
{
	if (t->ops->wakes_at)
		t->wakes_at = t->ops->wakes_at(t);
	return t->wakes_at;
}

void waitq_init(struct waitq *w)
{
	list_init(&w->tasks);
}

void waitq_wake(struct waitq *w)
{
	while (!list_empty(&w->tasks))
		task_wake(list_entry(w->tasks.next, struct task, waiting));
}

/* --- Turns */

static u64 used_of(const struct runq *rq, const struct task *t)
{
	u64 credit = MIN(TASK_SLICE_NS, rq->floor);

	return t->first ? 0 : MAX(t->used, rq->floor - credit);
}

static bool goes_before(const struct task *t, const struct task *best)
{
	if (t->first != best->first)
		return t->first;
	return t->used < best->used;
}

struct task *runq_choose(struct runq *rq, u64 now, u64 *wake)
{
	struct task *best = NULL;
	struct list *p;

	rq->urgent = false;
	timers_run(&rq->timers, now);
	*wake = timers_next(&rq->timers);
	list_for_each (p, &rq->tasks) {
		struct task *t = list_entry(p, struct task, link);

		if (task_wakes_at(t) > now) {
			*wake = MIN(*wake, t->wakes_at);
			continue;
		}
		t->used = used_of(rq, t);
		if (!best || goes_before(t, best))
			best = t;
	}
	if (best)
		rq->floor = MAX(rq->floor, best->used);
	return best;
}

/*
 * One that sleeps takes the processor over when it wakes up if it has used less by then: a wake-up
 * waits for TASK_SHARE_NS at most, and no more of them than one in that time cost the others the
 * change.
 */
u64 runq_turn_end(const struct runq *rq, const struct task *t, u64 now)
{
	u64 end = MIN(now + TASK_SLICE_NS, timers_next(&rq->timers));
	struct list *p;

	list_for_each (p, &rq->tasks) {
		const struct task *rival = list_entry(p, struct task, link);
		u64 its = used_of(rq, rival), ahead = its > t->used ? its - t->used : 0;

		if (rival->wakes_at <= now || rival->wakes_at >= end || ahead >= TASK_SLICE_NS)
			continue;
		end = MIN(end, MAX(rival->wakes_at, now + MAX(TASK_SHARE_NS, ahead)));
	}
	return end;
}

void task_charge(struct task *t, u64 ns)
{
	if (!t->first)
		t->used += ns;
}
