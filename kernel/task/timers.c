/* SPDX-License-Identifier: MIT */
/*
 * The list of timers.
 */
#include "kernel/task/timers.h"

void timer_cancel(struct timers *q, struct timer *t)
{
	struct timer **p = &q->first;

	if (!t->set)
		return;
	while (*p != t)
		p = &(*p)->next;
	*p = t->next;
	t->set = false;
}

void timer_add(struct timers *q, struct timer *t, u64 at)
{
	struct timer **p = &q->first;

	timer_cancel(q, t);
	while (*p && (*p)->at <= at)
		p = &(*p)->next;
	t->at = at;
	t->set = true;
	t->next = *p;
	*p = t;
}

void timers_run(struct timers *q, u64 now)
{
	unsigned due = 0;

	for (const struct timer *t = q->first; t && t->at <= now; t = t->next)
		due++;
	for (; due && timers_next(q) <= now; due--) {
		struct timer *t = q->first;

		timer_cancel(q, t);
		t->fn(t);
	}
}

u64 timers_next(const struct timers *q)
{
	return q->first ? q->first->at : UINT64_MAX;
}
