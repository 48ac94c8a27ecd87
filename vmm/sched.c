/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: one loop per real CPU (today: the boot CPU), fair by consumed cycles.
 */
#include "vmm/sched.h"

#include "arch/processor.h"
#include "arch/timer.h"
#include "kernel/clock.h"
#include "vmm/raw.h"
#include "vmm/vcpu_trap.h"
#include "vmm/vm.h"
#include "vmm/vm_commands.h"

static volatile bool timer_fired;

static void on_timer(void)
{
	timer_fired = true;
}

/* A vcpu that slept may not claim the past: it starts at most one slice behind the others. */
static u64 vruntime_floor;

static bool runnable(const struct vm *vm)
{
	const struct cpu *c = &vm->vcpu->cpu;

	if (vm->state != VM_RUNNING)
		return false;
	return vm->request || !c->halted || (c->events & CPU_EVENT_NMI && !c->nmi_blocked) ||
	       (c->events & CPU_EVENT_INTR && c->vif);
}

static u64 vm_deadline_ns(const struct vm *vm)
{
	return vm->deadline == UINT64_MAX ? UINT64_MAX : vm->deadline + vm->time_offset;
}

static struct vcpu *pick(void)
{
	struct vcpu *best = NULL;
	struct list *p;
	u64 slice = clock_ns_to_tsc(SCHED_SLICE_NS);

	list_for_each (p, &vm_list) {
		struct vm *vm = list_entry(p, struct vm, link);

		if (!runnable(vm))
			continue;
		if (vm->vcpu->vruntime + slice < vruntime_floor)
			vm->vcpu->vruntime = vruntime_floor - slice;
		if (!best || vm->vcpu->vruntime < best->vruntime)
			best = vm->vcpu;
	}
	if (best && best->vruntime > vruntime_floor)
		vruntime_floor = best->vruntime;
	return best;
}

static void run_due_timers(struct vm *vm)
{
	if (vm_deadline_ns(vm) <= clock_now())
		vm->deadline = board_run_timers(vm->board);
}

/* Timers of VMs that do not run right now; returns the earliest deadline on the monitor's clock. */
static u64 run_timers(void)
{
	struct list *p;
	u64 earliest = UINT64_MAX;

	list_for_each (p, &vm_list) {
		struct vm *vm = list_entry(p, struct vm, link);

		if (vm->state != VM_RUNNING)
			continue;
		run_due_timers(vm);
		vm_console_feed(vm);
		earliest = MIN(earliest, vm_deadline_ns(vm));
	}
	return earliest;
}

/*
 * Devices of the other VMs go on meanwhile: a deadline left behind would fire again and again.
 * A deadline that moved away stays armed. Its interrupt finds nothing due, and costs less than
 * programming the timer each time that the guest moves its own (10 times in a fork).
 */
void sched_arm(struct vcpu *v, u64 slice_end)
{
	struct list *p;
	u64 deadline = slice_end;

	list_for_each (p, &vm_list) {
		struct vm *vm = list_entry(p, struct vm, link);

		if (vm->state != VM_RUNNING)
			continue;
		if (vm->vcpu != v)
			run_due_timers(vm);
		deadline = MIN(deadline, vm_deadline_ns(vm));
	}
	timer_fired = false;
	timer_arm_by(deadline);
}

bool sched_wanted(void)
{
	return timer_fired || vm_console_pending();
}

void sched_after_irq(struct percpu *pc, struct trap_frame *f)
{
	struct vcpu *v = pc->vcpu;

	if (!v)
		return;
	if (trap_from_guest(f))
		raw_interrupted(v, f, sched_wanted());
	if (trap_from_guest(f) || !sched_wanted())
		return;
	if (v->place != PLACE_RECOMPILER && v->place != PLACE_TRANSLATOR)
		return;
	recomp_signal(&v->cpu, CPU_EVENT_YIELD);
	if (recomp_owns(v->cpu.recomp, f->rip))
		vcpu_interrupted(v, f);
}

static void handle_stop(struct vcpu *v, enum vcpu_stop stop)
{
	struct vm *vm = v->vm;

	if (vm->request == VM_REQ_KILL)
		stop = VCPU_STOPPED;
	switch (stop) {
	case VCPU_SHUTDOWN:
		v->shutdown = false;
		if (vm->config.triple == TRIPLE_RESET)
			vm_reset(vm, "triple fault");
		else
			vm_stop(vm, "triple fault at %04x:%08x", v->cpu.seg[SEG_CS].sel,
				v->cpu.eip);
		return;
	case VCPU_HALTED:
		v->stats.halts++;
		if (!v->cpu.vif && !vm->halt_reported && vm->state == VM_RUNNING) {
			vm->halt_reported = true;
			vm_report(vm,
				  "halted with interrupts off at %08x: nothing can wake it but a "
				  "reset",
				  v->cpu.eip);
		}
		return;
	case VCPU_STOPPED:
		vm_do_request(vm);
		return;
	case VCPU_SLICE:
	case VCPU_AGAIN:
		return;
	}
}

static void idle(u64 deadline)
{
	timer_fired = false;
	timer_arm(deadline); /* exactly: each wake-up counts here */
	if (clock_now() < deadline && !vm_console_pending())
		irq_wait();
}

void sched_loop(void)
{
	struct percpu *pc = percpu_this();

	irq_disable();
	pc->guest_trap = raw_trap;
	pc->code_trap = vcpu_code_trap;
	pc->after_irq = sched_after_irq;
	timer_set_handler(on_timer);
	for (;;) {
		vm_console_poll();
		vm_check_finished();

		u64 deadline = run_timers();
		struct vcpu *v = pick();

		if (v)
			handle_stop(v, vcpu_run(v, clock_now() + SCHED_SLICE_NS));
		else
			idle(deadline);
	}
}
