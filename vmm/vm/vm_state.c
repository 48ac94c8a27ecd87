/* SPDX-License-Identifier: MIT */
/*
 * Names and changes the state of a VM.
 */
#include "vmm/vm/vm_state.h"

#include <stdarg.h>

#include "emu/cpu/stops.h"
#include "kernel/base/print.h"
#include "kernel/time/clock.h"
#include "vmm/console/vm_console.h"
#include "vmm/state/account.h"
#include "vmm/vm/vm_waits.h"

static const char *const state_name[] = { "running", "paused", "stopped" };
static const char *const engine_name[] = { "auto", "ring1", "recompile", "recompile-all" };

const char *vm_state_name(enum vm_state s)
{
	return state_name[s];
}

const char *vm_engine_name(enum config_engine e)
{
	return engine_name[e];
}

void vm_pause(struct vm *vm)
{
	if (vm->state != VM_RUNNING)
		return;
	vm->paused_at = clock_now();
	vm->state = VM_PAUSED;
	vcpu_away_because(vm->vcpu, AWAY_STANDING);
	vm_console_end_lines(vm);
}

/* Where the processor stands it has been stopped already: the instruction there is executed first,
 * and what stopped it does not count. */
static void pass_stop(struct vcpu *v)
{
	struct cpu *c = &v->cpu;

	c->stops.pass_exception = c->stops.stopped.by == STOPPED_BY_EXCEPTION;
	cpu_stop_forget(c);
	c->stops.stopped.by = STOPPED_NOT;
	if (c->halted)
		return;
	v->steps = c->stops.pass_exception || cpu_stops_at(c, c->seg[SEG_CS].base + c->eip);
	v->runs_on = true;
}

void vm_resume(struct vm *vm)
{
	if (vm->state == VM_RUNNING)
		return;
	vm->time_offset += clock_now() - vm->paused_at;
	vm->state = VM_RUNNING;
	vm->debug.stood = STOOD_NOT;
	vcpu_away_because(vm->vcpu, vm->vcpu->cpu.halted ? AWAY_IDLE : AWAY_WAITING);
	if (!vm->vcpu->cpu.halted)
		vm_waits_begin(vm);
	pass_stop(vm->vcpu);
}

void vm_stop(struct vm *vm, const char *fmt, ...)
{
	va_list ap;

	if (vm->state == VM_RUNNING)
		vm->paused_at = clock_now();
	vm->state = VM_STOPPED;
	va_start(ap, fmt);
	fmt_vprint(vm->stop_reason, sizeof(vm->stop_reason), fmt, ap);
	va_end(ap);
	vm_console_end_lines(vm);
	vm_report(vm, "stopped: %s", vm->stop_reason);
}
