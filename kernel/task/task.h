/* SPDX-License-Identifier: MIT */
/*
 * Tasks, and which of them is next. A task has no stack of its own: it is a function that the
 * scheduler calls for each turn. Pure: kernel/sched/sched.h runs tasks on a processor.
 *
 *     turns    go to the task that has used the processor least, of those that want one. A turn
 *              lasts 10 ms at most, and ends before if a sleeping task wakes up that has used less.
 *     waking   is decided in one place, task_wakes_at(): a task wants a turn from a time on. It
 *              sleeps (task_sleep()) until that time or until it is woken. Or it has a rule of its
 *              own (wakes_at()), which is asked each time that a task is chosen.
 *     first    tasks go before all others, and no account pays for them: the operator's. One that
 *              is woken ends the present turn.
 *
 * A run queue belongs to one processor and has no lock. Everything here is called with interrupts
 * off, so that an interrupt may wake tasks and set timers. No wake-up is lost if a task first goes
 * to sleep and then looks, with interrupts on, for what it has to do.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/task/timers.h"

#define TASK_SLICE_NS 10000000ull
#define TASK_SHARE_NS 1000000ull /* a turn lasts so long whichever sleeper wakes up */

struct task;

struct task_ops {
	/* Its turn, until the clock reads until or it has nothing to do. */
	void (*run)(struct task *t, u64 until);
	/* When it wants a turn, in ns of the clock (a time that has passed: now); UINT64_MAX: not
	 * before something changes. NULL: as task_sleep() and task_wake() say. */
	u64 (*wakes_at)(struct task *t);
};

struct task {
	struct list link;    /* in the run queue */
	struct list waiting; /* in a wait queue */
	struct runq *rq;
	const struct task_ops *ops;
	bool first;
	u64 used;     /* ns */
	u64 wakes_at; /* of those without a rule of their own, and what the rule said last */
};

/* Tasks that wait for the same thing. */
struct waitq {
	struct list tasks;
};

struct runq {
	struct list tasks;
	struct timers timers; /* called between turns; they bound a turn, too */
	u64 floor;	      /* what the chosen one had used: no sleeper claims the past */
	volatile bool urgent; /* a task that goes first was woken since the last choice */
};

void runq_init(struct runq *rq);

/* A task that wants a turn at once. */
void task_init(struct runq *rq, struct task *t, const struct task_ops *ops, bool first);
/* It has no further turn. Its memory is the caller's, but for the turn that it may be in. */
void task_end(struct task *t);
/* It wants no turn before that time, or before it is woken, alone or with those of w (may be NULL).
 */
void task_sleep(struct task *t, struct waitq *w, u64 until);
void task_wake(struct task *t);
/* The one rule. */
u64 task_wakes_at(struct task *t);

void waitq_init(struct waitq *w);
void waitq_wake(struct waitq *w);

/* Runs the timers that are due. Returns the task whose turn it is, or NULL: none before *wake. */
struct task *runq_choose(struct runq *rq, u64 now, u64 *wake);
/* Until when, for the task that was chosen. */
u64 runq_turn_end(const struct runq *rq, const struct task *t, u64 now);
/* Its turn took ns, all that was done since the last turn included. */
void task_charge(struct task *t, u64 ns);
