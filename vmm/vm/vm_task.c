/* SPDX-License-Identifier: MIT */
/*
 * A VM gets a turn when it wants one (vm_wakes_at()): its processor can go on, a timer of it has
 * come due that can wake it, it has been reset, or asked for something. All of its work is done in
 * its turns, devices, timers, resets and loading included.
 */
#include "vmm/vm/vm_task.h"

#include "arch/cpu/processor.h"
#include "kernel/base/count.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"
#include "vmm/console/vm_console.h"
#include "vmm/console/vm_keys.h"
#include "vmm/run/run.h"
#include "vmm/state/account.h"
#include "vmm/vm/vm_debug.h"
#include "vmm/vm/vm_finish.h"
#include "vmm/vm/vm_life.h"
#include "vmm/vm/vm_speed.h"
#include "vmm/vm/vm_start.h"
#include "vmm/vm/vm_state.h"
#include "vmm/vm/vm_strict.h"
#include "vmm/vm/vm_waits.h"

/* A system that finds the BIOS' MP table, which always names an I/O APIC, masks the 8259 pair and
 * waits for that. */
static void report_halt(struct vm *vm)
{
	const struct cpu *c = &vm->vcpu->cpu;

	if (vm->halt_reported || (c->vif && board_can_wake(vm->board)))
		return;
	vm->halt_reported = true;
	vm_report(vm, "halted with %s at %08x: nothing can wake it but a reset%s",
		  c->vif ? "every interrupt masked" : "interrupts off", c->eip,
		  c->vif && !vm->config.apic ? "; if it waits for an APIC, it needs apic = yes"
					     : "");
}

static void stop_shut_down(struct vm *vm)
{
	const struct cpu *c = &vm->vcpu->cpu;

	vm_stop(vm, "triple fault at %04x:%08x", c->seg[SEG_CS].sel, c->eip);
	vm_debug_died(vm);
}

static void handle_stop(struct vcpu *v, enum vcpu_stop stop)
{
	struct vm *vm = v->vm;

	if (vm->request == VM_REQ_KILL)
		stop = VCPU_STOPPED;
	switch (stop) {
	case VCPU_SHUTDOWN:
		v->shutdown = false;
		if (vm_debug_shut_down(vm))
			return;
		if (vm->config.triple == TRIPLE_RESET)
			vm_shut_down(vm);
		else
			stop_shut_down(vm);
		return;
	case VCPU_HALTED:
		COUNT(v->stats.halts);
		if (!vm_debug_halted(vm))
			report_halt(vm);
		return;
	case VCPU_STOPPED:
		vm_do_request(vm);
		return;
	case VCPU_DEBUGGER:
		vm_debug_met(vm);
		return;
	case VCPU_SLICE:
	case VCPU_AGAIN:
	case VCPU_YIELDS:
		return;
	}
}

static void interrupts_off(void)
{
	irq_disable();
	irqs_off_begin(rdtsc());
}

static void interrupts_on(struct vcpu *v)
{
	irqs_off_end(v, rdtsc());
	irq_enable();
}

static void start_pieces(struct vm *vm, u64 end)
{
	interrupts_on(vm->vcpu);
	do
		vm_start_piece(vm);
	while (vm->start != VM_STARTED && !vm->request && clock_now() < end && !sched_urgent());
	interrupts_off();
}

static enum vcpu_away why_away(const struct vm *vm)
{
	if (vm->state != VM_RUNNING || vm->start != VM_STARTED)
		return AWAY_STANDING;
	return vm->vcpu->cpu.halted || vm->vcpu->idle.until ? AWAY_IDLE : AWAY_WAITING;
}

static void vm_turn(struct task *t, u64 end)
{
	struct vm *vm = container_of(t, struct vm, task);
	struct vcpu *v = vm->vcpu;
	enum vcpu_stop stop = VCPU_SLICE;
	u64 began = clock_now(), now;

	vcpu_account_turn(v, sched_turn_began());
	vm_waits_end(vm);
	irqs_off_begin(v->place_since);
	v->trapped = IRQS_OFF_RUN_LOOP;
	if (vm->request)
		stop = VCPU_STOPPED;
	else if (vm->start != VM_STARTED)
		start_pieces(vm, end);
	else
		stop = vcpu_run(v, end = vm_speed_turn_end(vm, began, end));
	now = clock_now();
	vm_speed_pay(vm, began, now);
	if (now > end)
		v->stats.late_ns = MAX(v->stats.late_ns, now - end);
	interrupts_on(v);
	if (vm->config.strict != STRICT_OFF && vm->start == VM_STARTED)
		vm_strict_turn(vm, stop == VCPU_HALTED);
	handle_stop(v, stop); /* may print */
	if (vm->start == VM_STARTED)
		vm_debug_started(vm);
	if (vm->state == VM_STOPPED)
		vm_debug_ended(vm);
	vm_check_finished();
	interrupts_off();
	vcpu_account_away(v, why_away(vm));
	if (v->away == AWAY_WAITING)
		vm_waits_begin(vm);
}

static u64 vm_turn_wanted(struct task *t)
{
	struct vm *vm = container_of(t, struct vm, task);
	u64 fed = UINT64_MAX;

	if (vm->state == VM_RUNNING && vm->start == VM_STARTED)
		fed = MIN(vm_console_feed(vm), vm_keys_feed(vm));
	return vm_speed_wakes_at(vm, MIN(fed, vm_wakes_at(vm)));
}

void vm_task_begin(struct vm *vm)
{
	static const struct task_ops ops = { .run = vm_turn, .wakes_at = vm_turn_wanted };

	task_init(sched_runq(), &vm->task, &ops, false);
}

void vm_task_end(struct vm *vm)
{
	u64 flags = irq_save();

	task_end(&vm->task);
	irq_restore(flags);
}
