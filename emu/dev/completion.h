/* SPDX-License-Identifier: MIT */
/*
 * "It is done": how the outside tells a device that something which took its time has ended. What
 * is posted runs later, on the VM's own processor, between two instructions of the guest
 * (board_run_timers()), in the order of the posts. So devices are never entered from outside while
 * they work.
 *
 * Who may call what: completion_post() from any context of the processor that runs the VM,
 * interrupts included. All else where that VM is not running: in device handlers, or when it is
 * reset or destroyed.
 */
#pragma once

#include "kernel/base/types.h"

struct completion {
	void (*run)(void *ctx);
	void *ctx;
	struct completion *next;
	bool posted; /* and has not begun to run */
};

struct completions {
	struct completion *posted;	       /* the last one first */
	struct completion *first, **last_next; /* taken from there, in order */
	void (*notify)(void *ctx);	       /* something was posted: run it soon; may be NULL */
	void *ctx;
};

void completions_init(struct completions *q, void (*notify)(void *ctx), void *ctx);
/* Posted again before it ran, it runs once. */
void completion_post(struct completions *q, struct completion *c);
/* After this it does not run, and its memory is the caller's. */
void completion_cancel(struct completions *q, struct completion *c);
/* Runs as many as are there now, in order: one that posts itself again does not keep it busy. */
void completions_run(struct completions *q);

static inline bool completions_pending(const struct completions *q)
{
	return q->first || __atomic_load_n(&q->posted, __ATOMIC_RELAXED);
}
