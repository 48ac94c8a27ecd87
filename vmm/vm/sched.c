/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: one loop per real CPU (today: the boot CPU), fair by consumed cycles.
 *
 * A VM gets a turn when it wants one (vm_wakes_at()): its processor can go on, a timer of it has
 * come due that can wake it, it has been reset, or asked for something. All of its work is done in
 * its turns, devices, timers, resets and loading included, and a turn pays for everything since the
 * last one ended: nothing is done at others' expense.
 */
#include "vmm/vm/sched.h"

#include "arch/cpu/processor.h"
#include "kernel/console/console.h"
#include "kernel/time/clock.h"
#include "vmm/console/vm_console.h"
#include "vmm/run/preempt.h"
#include "vmm/run/run.h"
#include "vmm/snap/snapshot_send.h"
#include "vmm/state/account.h"
#include "vmm/vm/vm_finish.h"
#include "vmm/vm/vm_life.h"
#include "vmm/vm/vm_start.h"
#include "vmm/vm/vm_state.h"

/* A vcpu that slept may not claim the past: it starts at most one slice behind the others. */
static u64 vruntime_floor;
static u64 charged_until; /* TSC; what came before is on somebody's account, or the operator's */

static u64 vruntime_of(const struct vm *vm)
{
	u64 credit = MIN(clock_ns_to_tsc(SCHED_SLICE_NS), vruntime_floor);

	return MAX(vm->vcpu->vruntime, vruntime_floor - credit);
}

/* Of those that want a turn, the one that has consumed least. *wake: when the next of the others
 * will want one. */
static struct vm *pick(u64 now, u64 *wake)
{
	struct vm *best = NULL;
	struct list *p;

	*wake = UINT64_MAX;
	list_for_each (p, &vm_list) {
		struct vm *vm = list_entry(p, struct vm, link);

		if (vm->state == VM_RUNNING && vm->start == VM_STARTED)
			*wake = MIN(*wake, vm_console_feed(vm));
		vm->wakes_at = vm_wakes_at(vm);
		if (vm->wakes_at > now) {
			*wake = MIN(*wake, vm->wakes_at);
			continue;
		}
		vm->vcpu->vruntime = vruntime_of(vm);
		if (!best || vm->vcpu->vruntime < best->vcpu->vruntime)
			best = vm;
	}
	if (best)
		vruntime_floor = MAX(vruntime_floor, best->vcpu->vruntime);
	return best;
}

/*
 * The end of the turn that this VM begins now. One that sleeps takes the processor over when it
 * wakes up if it has consumed less by then: a wake-up waits for SCHED_SHARE_NS at most, and no more
 * of them than one in that time cost the others the change.
 */
static u64 turn_end(const struct vm *vm, u64 now)
{
	u64 end = now + SCHED_SLICE_NS, mine = vm->vcpu->vruntime;
	struct list *p;

	list_for_each (p, &vm_list) {
		const struct vm *rival = list_entry(p, struct vm, link);
		u64 its = vruntime_of(rival), ahead = its > mine ? its - mine : 0;

		if (rival->wakes_at <= now || rival->wakes_at >= end ||
		    ahead >= clock_ns_to_tsc(SCHED_SLICE_NS))
			continue;
		end = MIN(end,
			  MAX(rival->wakes_at, now + MAX(SCHED_SHARE_NS, clock_tsc_to_ns(ahead))));
	}
	return end;
}

static void report_halt(struct vm *vm)
{
	const struct cpu *c = &vm->vcpu->cpu;

	if (vm->halt_reported || (c->vif && board_can_wake(vm->board)))
		return;
	vm->halt_reported = true;
	vm_report(vm, "halted with %s at %08x: nothing can wake it but a reset",
		  c->vif ? "every interrupt masked" : "interrupts off", c->eip);
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
			vm_reset_itself(vm, "triple fault");
		else
			vm_stop(vm, "triple fault at %04x:%08x", v->cpu.seg[SEG_CS].sel,
				v->cpu.eip);
		return;
	case VCPU_HALTED:
		v->stats.halts++;
		report_halt(vm);
		return;
	case VCPU_STOPPED:
		vm_do_request(vm);
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
	while (vm->start != VM_STARTED && !vm->request && clock_now() < end &&
	       !vm_console_pending());
	interrupts_off();
}

static void take_turn(struct vm *vm, u64 end)
{
	struct vcpu *v = vm->vcpu;
	enum vcpu_stop stop = VCPU_SLICE;
	u64 now;

	v->place = PLACE_MONITOR;
	v->place_since = charged_until;
	v->trapped = IRQS_OFF_RUN_LOOP;
	if (vm->request)
		stop = VCPU_STOPPED;
	else if (vm->start != VM_STARTED)
		start_pieces(vm, end);
	else
		stop = vcpu_run(v, end);
	now = clock_now();
	if (now > end)
		v->stats.late_ns = MAX(v->stats.late_ns, now - end);
	interrupts_on(v);
	handle_stop(v, stop); /* may print */
	vm_check_finished();
	interrupts_off();
	vcpu_account(v, PLACE_MONITOR);
	charged_until = v->place_since;
}

static void idle(u64 deadline)
{
	preempt_arm_idle(deadline);
	if (clock_now() < deadline && !vm_console_pending())
		irq_wait();
	irqs_off_begin(rdtsc());
	charged_until = rdtsc();
}

/* The operator's commands are on no VM's account. */
static void serve_console(void)
{
	irq_enable();
	vm_console_poll();
	vm_check_finished();
	interrupts_off();
	charged_until = rdtsc();
}

/* Nor is a saved machine that is being sent. */
static u64 send_snapshot(u64 now)
{
	if (now < snapshot_send_at())
		return snapshot_send_at();
	irq_enable();
	snapshot_send_piece();
	interrupts_off();
	charged_until = rdtsc();
	return snapshot_send_at();
}

void sched_loop(void)
{
	interrupts_off();
	run_install();
	vm_check_finished();
	charged_until = rdtsc();
	for (;;) {
		u64 now = clock_now(), wake;
		struct vm *vm = pick(now, &wake);

		console_poll_output();
		wake = MIN(wake, send_snapshot(now));
		if (vm_console_pending())
			serve_console();
		else if (vm)
			take_turn(vm, turn_end(vm, now));
		else
			idle(wake);
	}
}
