/* SPDX-License-Identifier: MIT */
/*
 * The scheduler's loop. Interrupts are off in it. A task's turn begins and ends so, and a task that
 * does more than a little lets them in.
 */
#include "kernel/sched/sched.h"

#include "arch/cpu/processor.h"
#include "arch/time/timer.h"
#include "kernel/time/clock.h"

/* Of a processor, which alone touches it. */
static struct sched {
	struct runq rq;
	volatile bool fired;
	u64 idle;  /* cycles without a task */
	u64 began; /* TSC; what came before is on somebody's account, or the operator's */
} boot_sched;

static struct sched *sched_this(void)
{
	return &boot_sched;
}

static void sched_timer_fired(void)
{
	sched_this()->fired = true;
}

void sched_init(void)
{
	runq_init(&sched_this()->rq);
	timer_set_handler(sched_timer_fired);
}

struct runq *sched_runq(void)
{
	return &sched_this()->rq;
}

void sched_timer_add(struct timer *t, u64 ns)
{
	u64 flags = irq_save();

	timer_add(&sched_runq()->timers, t, clock_now() + ns);
	irq_restore(flags);
}

void sched_timer_cancel(struct timer *t)
{
	u64 flags = irq_save();

	timer_cancel(&sched_runq()->timers, t);
	irq_restore(flags);
}

void sched_arm(u64 deadline)
{
	sched_this()->fired = false;
	timer_arm_by(deadline);
}

bool sched_wanted(void)
{
	return sched_this()->fired || sched_this()->rq.urgent;
}

bool sched_urgent(void)
{
	return sched_this()->rq.urgent;
}

void sched_stood(u64 cycles)
{
	sched_this()->began += cycles;
}

u64 sched_idle_cycles(void)
{
	return sched_this()->idle;
}

u64 sched_turn_began(void)
{
	return sched_this()->began;
}

/* Cycles since the last account, now on one. A debugger may have stood behind the reading: then
 * what it moved lies in front of it. */
static u64 take_account(struct sched *s)
{
	s64 spent = (s64)(rdtsc() - s->began);

	if (spent < 0)
		return 0;
	s->began += (u64)spent;
	return (u64)spent;
}

static void take_turn(struct sched *s, struct task *t, u64 now)
{
	t->ops->run(t, runq_turn_end(&s->rq, t, now));
	task_charge(t, clock_tsc_to_ns(take_account(s)));
}

/* Armed exactly: each wake-up counts here. A rule of waking may have woken somebody. */
static void idle(struct sched *s, u64 deadline)
{
	s->fired = false;
	timer_arm(deadline);
	if (clock_now() < deadline && !s->rq.urgent)
		irq_wait();
	s->idle += take_account(s);
}

void sched_loop(void)
{
	struct sched *s = sched_this();

	irq_disable();
	s->began = rdtsc();
	for (;;) {
		u64 now = clock_now(), wake;
		struct task *t = runq_choose(&s->rq, now, &wake);

		if (t)
			take_turn(s, t, now);
		else
			idle(s, wake);
	}
}
