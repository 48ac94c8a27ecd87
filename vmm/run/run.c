/* SPDX-License-Identifier: MIT */
/*
 * What a virtual CPU does, from top to bottom: deliver what waits between two instructions, choose
 * an engine, let it run, account for it. Traps and interrupts of an engine's code come in here too.
 */
#include "vmm/run/run.h"

#include "arch/cpu/percpu.h"
#include "emu/cpu/semantics.h"
#include "emu/cpu/stops.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "vmm/console/vm_console.h"
#include "vmm/raw/raw.h"
#include "vmm/run/idle.h"
#include "vmm/run/sampler.h"
#include "vmm/run/code_trap.h"
#include "vmm/state/account.h"
#include "vmm/state/vcpu_load.h"

/* Raw execution where it may be, the recompiler, which may always run, else. Which engine it is is
 * known where it is called: no branch through a pointer. */
enum { PREFERRED, FALLBACK, ENGINES };
static const struct engine *const engines[ENGINES] = { &engine_raw, &engine_recomp };

/* What is due is delivered. False: nothing is to be executed, *stop says why. */
static __attribute__((noinline)) bool deliver(struct vcpu *v, enum vcpu_stop *stop)
{
	enum cpu_result taken = CPU_NEXT;

	v->called = false;
	if (!(v->cpu.events & CPU_EVENT_STOP) || !cpu_stop_counts(&v->cpu))
		taken = cpu_take_events(&v->cpu);
	/* Met by raw code, or by what was just delivered. */
	if ((v->cpu.events & CPU_EVENT_STOP) && cpu_stop_counts(&v->cpu)) {
		*stop = VCPU_DEBUGGER;
		return false;
	}
	*stop = taken == CPU_SHUTDOWN ? VCPU_SHUTDOWN : VCPU_SLICE;
	return taken != CPU_SHUTDOWN && taken != CPU_HALT;
}

static enum vcpu_stop run_engine(struct vcpu *v)
{
	if (!engines[PREFERRED]->may_run(v)) {
		enum vcpu_stop stop = engines[FALLBACK]->run(v);

		if (stop != VCPU_YIELDS)
			return stop;
	}
	return engines[PREFERRED]->run(v);
}

/*
 * Engines take turns, at each system call at least, until one has to do with the world outside. The
 * timer may have fired when an engine was on its way out. It is armed anew by the caller only:
 * another engine would run without it, for ever if it is raw code.
 */
static enum vcpu_stop run_engines(struct vcpu *v)
{
	enum vcpu_stop stop;

	do
		if (!(v->cpu.events | v->cpu.debug_hits) || deliver(v, &stop))
			stop = run_engine(v);
	while (stop == VCPU_AGAIN && !sched_wanted());
	return stop;
}

enum vcpu_stop vcpu_run(struct vcpu *v, u64 slice_end)
{
	struct vm *vm = v->vm;
	enum vcpu_stop stop;

	if (!v->stats.slices++)
		v->stats.started_ns = clock_now();
	for (;;) {
		vm->deadline = board_run_timers(vm->board);
		vm_console_feed(vm);
		if (vm->request != VM_REQ_NONE || vm->state != VM_RUNNING)
			return VCPU_STOPPED;
		/* First, since nobody runs it again to find that out. */
		if (v->cpu.halted && !cpu_event_due(&v->cpu))
			return VCPU_HALTED;
		if (idle_dozes(v))
			return VCPU_SLICE;
		if (clock_now() >= slice_end || vm->console.blocked || sched_urgent())
			return VCPU_SLICE;
		vcpu_load(v);
		sched_arm(MIN(slice_end, vm_deadline(vm)));
		v->called = false;
		stop = v->steps ? engine_step(v) : run_engines(v);
		if (stop == VCPU_SHUTDOWN || stop == VCPU_DEBUGGER)
			return stop;
		vcpu_account(v, PLACE_MONITOR);
	}
}

/* percpu.after_irq. Raw code is looked at before it is resumed, wanted or not, and left if the
 * interrupt had something for its devices: a completion. Translated code polls for that itself. */
static void after_irq(struct percpu *pc, struct trap_frame *f)
{
	struct vcpu *v = pc->vcpu;

	if (!v)
		return;
	if (sampler_of)
		sampler_interrupt(v, f);
	if (!sched_wanted()) {
		if (trap_from_guest(f))
			raw_interrupted(v, f, v->cpu.events & CPU_EVENT_YIELD);
		return;
	}
	for (unsigned i = 0; i < ENGINES; i++)
		if (engines[i]->kick(v, f))
			return;
}

void run_install(void)
{
	struct percpu *pc = percpu_this();

	pc->guest_trap = raw_trap;
	pc->code_trap = code_trap;
	pc->after_irq = after_irq;
}
