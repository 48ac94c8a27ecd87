/* SPDX-License-Identifier: MIT */
/*
 * Runs tasks (kernel/task/task.h) on a processor: a loop and a run queue for each, of which there
 * is one today. Preemption is by the one-shot timer: a task that runs asks sched_wanted(), or is
 * told by percpu.after_irq, and comes back.
 */
#pragma once

#include "kernel/task/task.h"

void sched_init(void);
/* Runs tasks for ever. */
void sched_loop(void) __attribute__((noreturn));
/* The run queue of this processor. */
struct runq *sched_runq(void);

/* A timer of this processor, from a task: it fires once, ns from now; and not any more. */
void sched_timer_add(struct timer *t, u64 ns);
void sched_timer_cancel(struct timer *t);

/* In a turn, interrupts off: from now on sched_wanted() says no, until that time of the clock or
 * until something urgent comes. An earlier time that is set stays: its interrupt costs less than
 * programming the timer each time that a guest moves its own (10 times in a fork). */
void sched_arm(u64 deadline);
/* The turn is to be looked at: that time has come, or sched_urgent(). */
bool sched_wanted(void);
/* The turn is to end: a task that goes first was woken. */
bool sched_urgent(void);
/* The TSC when the present turn began: what was done since is on its account. */
u64 sched_turn_began(void);
/* So many cycles of the present turn were nobody's: a debugger had the processor. */
void sched_stood(u64 cycles);
/* TSC cycles that no task wanted. */
u64 sched_idle_cycles(void);
