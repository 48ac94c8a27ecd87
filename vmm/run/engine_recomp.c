/* SPDX-License-Identifier: MIT */
/*
 * The recompiler as a row of the engine table: may it run, run, kick.
 */
#include "arch/cpu/processor.h"
#include "arch/cpu/speculation.h"
#include "kernel/sched/sched.h"
#include "vmm/run/code_trap.h"
#include "vmm/run/engine.h"
#include "vmm/state/account.h"

static bool recomp_may_run(struct vcpu *v)
{
	(void)v;
	return true;
}

static enum vcpu_stop why(enum recomp_exit e)
{
	switch (e) {
	case RECOMP_SHUTDOWN:
		return VCPU_SHUTDOWN;
	case RECOMP_STOP:
		return VCPU_DEBUGGER;
	default:
		return VCPU_SLICE;
	}
}

static enum vcpu_stop recomp_engine_run(struct vcpu *v)
{
	bool called = v->called;

	v->called = false;
	vcpu_account(v, called ? PLACE_RECOMPILER : PLACE_TRANSLATOR);
	irq_enable();
	speculation_enter_guest();
	enum recomp_exit e = called ? recomp_run_after_iret(&v->cpu) : recomp_run(&v->cpu);
	irq_disable();
	exit_trace_add(&v->trace, TRACE_RECOMPILER, (u8)e, v->cpu.eip, 0, v->place_since);
	/* An interrupt that came after the decision to leave was taken, a timer that fired, or a
	 * deadline that moved: the timer must be armed again before raw code runs, which it alone
	 * can stop. */
	if ((e == RECOMP_LEAVE || e == RECOMP_IRET) && !(v->cpu.events & CPU_EVENT_YIELD) &&
	    !sched_wanted()) {
		v->called = e == RECOMP_IRET &&
			    recomp_mapping_is(v->cpu.recomp, false,
					      shadow_code_mapping(v->shadow, false));
		return VCPU_YIELDS;
	}
	vcpu_account(v, PLACE_MONITOR);
	return why(e);
}

enum vcpu_stop engine_step(struct vcpu *v)
{
	enum recomp_exit e;
	bool done;

	vcpu_account(v, PLACE_TRANSLATOR);
	irq_enable();
	speculation_enter_guest();
	e = recomp_step_quietly(&v->cpu, &done);
	irq_disable();
	exit_trace_add(&v->trace, TRACE_RECOMPILER, (u8)e, v->cpu.eip, 0, v->place_since);
	vcpu_account(v, PLACE_MONITOR);
	if (!done || e == RECOMP_SHUTDOWN || e == RECOMP_STOP)
		return why(e);
	v->cpu.stops.pass_exception = false;
	return --v->steps || v->runs_on ? VCPU_SLICE : VCPU_DEBUGGER;
}

static bool recomp_kick(struct vcpu *v, struct trap_frame *f)
{
	if (v->place != PLACE_RECOMPILER && v->place != PLACE_TRANSLATOR)
		return false;
	recomp_signal(&v->cpu, CPU_EVENT_YIELD);
	if (recomp_owns(v->cpu.recomp, f->rip))
		code_interrupted(v, f);
	return true;
}

const struct engine engine_recomp = { "recompiler", recomp_may_run, recomp_engine_run,
				      recomp_kick };
