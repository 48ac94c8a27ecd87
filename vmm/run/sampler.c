/* SPDX-License-Identifier: MIT */
/*
 * The sampler. A timer of the scheduler bounds the turns, so that the machine's timer comes at
 * least as often as samples are wanted. The monitor itself runs with interrupts off: what it does
 * is on its account only, and no sample.
 */
#include "vmm/run/sampler.h"

#include "arch/cpu/processor.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"

const struct vcpu *sampler_of;

static struct {
	struct profile *into;
	unsigned depth;
	u64 period, next;
	struct timer timer;
} s;

static void bound_turn(struct timer *t)
{
	timer_add(&sched_runq()->timers, t, clock_now() + s.period);
}

void sampler_start(const struct vcpu *v, struct profile *p, u64 period, unsigned depth)
{
	u64 flags = irq_save();

	s.into = p;
	s.depth = depth;
	s.period = period;
	s.next = clock_now() + period;
	s.timer.fn = bound_turn;
	timer_add(&sched_runq()->timers, &s.timer, s.next);
	sampler_of = v;
	irq_restore(flags);
}

void sampler_stop(void)
{
	u64 flags = irq_save();

	sampler_of = NULL;
	timer_cancel(&sched_runq()->timers, &s.timer);
	irq_restore(flags);
}

/* Where it is, and its EBP. C that works for translated code knows both as they were when it was
 * called. False: it does not run. */
static bool look(struct vcpu *v, const struct trap_frame *f, u32 *eip, u32 *ebp)
{
	if (v->away != AWAY_NOT || v->place == PLACE_MONITOR)
		return false;
	*eip = v->cpu.eip;
	*ebp = v->cpu.gpr[REG_EBP];
	if (trap_from_guest(f)) {
		*eip = (u32)f->rip;
		*ebp = (u32)f->gpr[REG_EBP];
	} else if (recomp_owns(v->cpu.recomp, f->rip)) {
		recomp_guest_eip(v->cpu.recomp, (u32)f->rip, eip);
		*ebp = (u32)f->gpr[REG_EBP];
	}
	return true;
}

void sampler_interrupt(struct vcpu *v, const struct trap_frame *f)
{
	u32 at[PROFILE_DEPTH], eip, ebp;
	u64 now = clock_now();

	if (v != sampler_of || now < s.next || !look(v, f, &eip, &ebp))
		return;
	s.next = now + s.period;
	profile_add(s.into, (u8)v->place, at, profile_walk(&v->cpu, eip, ebp, at, s.depth));
}
