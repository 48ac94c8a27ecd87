/* SPDX-License-Identifier: MIT */
/*
 * The sampler. A timer of the scheduler bounds the turns, so that the machine's timer comes at
 * least as often as samples are wanted. The monitor itself runs with interrupts off: what it does
 * is on its account only, and no sample.
 */
#include "vmm/run/sampler.h"

#include "arch/cpu/processor.h"
#include "emu/listing/block_list.h"
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

static void add_stack(struct vcpu *v, u32 eip, u32 ebp)
{
	u32 at[PROFILE_DEPTH];

	profile_add(s.into, (u8)v->place, at, profile_walk(&v->cpu, eip, ebp, at, s.depth));
}

static void add_block(struct vcpu *v, const struct trap_frame *f)
{
	struct recomp *r = v->cpu.recomp;
	bool owned = !trap_from_guest(f) && recomp_owns(r, f->rip);
	struct recomp_place p;
	u32 at[4] = { 0 };

	if (owned && recomp_place_of(r, f->rip, &p)) {
		at[0] = p.gla;
		at[1] = p.key;
		at[2] = p.code;
		at[3] = p.offset;
		profile_add(s.into, SAMPLER_BLOCK, at, ARRAY_SIZE(at));
		return;
	}
	profile_add(s.into, owned ? SAMPLER_STUB : (u8)v->place, at, 1);
}

void sampler_interrupt(struct vcpu *v, const struct trap_frame *f)
{
	u64 now = clock_now();
	u32 eip, ebp;

	if (v != sampler_of || now < s.next || !look(v, f, &eip, &ebp))
		return;
	s.next = now + s.period;
	if (s.depth)
		add_stack(v, eip, ebp);
	else
		add_block(v, f);
}
