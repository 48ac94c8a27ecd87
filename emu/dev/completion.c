/* SPDX-License-Identifier: MIT */
/*
 * Completions. Posting is a push on a list that an interrupt may do in the middle of anything, so
 * the other side takes that list in one exchange and puts it in order.
 */
#include "emu/dev/completion.h"

void completions_init(struct completions *q, void (*notify)(void *ctx), void *ctx)
{
	*q = (struct completions){ .notify = notify, .ctx = ctx };
	q->last_next = &q->first;
}

void completion_post(struct completions *q, struct completion *c)
{
	if (__atomic_exchange_n(&c->posted, true, __ATOMIC_ACQ_REL))
		return;
	c->next = __atomic_load_n(&q->posted, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&q->posted, &c->next, c, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
	if (q->notify)
		q->notify(q->ctx);
}

/* Moves what was posted behind what was taken before. */
static void take(struct completions *q)
{
	struct completion *c = __atomic_exchange_n(&q->posted, NULL, __ATOMIC_ACQUIRE);
	struct completion *ordered = NULL, **end = q->last_next;

	if (!c)
		return;
	q->last_next = &c->next;
	while (c) {
		struct completion *next = c->next;

		c->next = ordered;
		ordered = c;
		c = next;
	}
	*end = ordered;
}

void completion_cancel(struct completions *q, struct completion *c)
{
	struct completion **p = &q->first;

	if (!c->posted)
		return;
	take(q);
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	if (!*p)
		q->last_next = p;
	c->posted = false;
}

void completions_run(struct completions *q)
{
	unsigned n = 0;

	if (!completions_pending(q))
		return;
	take(q);
	for (struct completion *c = q->first; c; c = c->next)
		n++;
	while (n-- && q->first) {
		struct completion *c = q->first;

		q->first = c->next;
		if (!q->first)
			q->last_next = &q->first;
		__atomic_store_n(&c->posted, false, __ATOMIC_RELEASE);
		c->run(c->ctx);
	}
}
