/* SPDX-License-Identifier: MIT */
/*
 * Stopping and going on; the header tells what. emu/cpu/stop.h has how points are watched.
 */
#include "vmm/vm/vm_debug.h"

#include "emu/dbg/dbg_chain.h"
#include "emu/dbg/dbg_disas.h"
#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "vmm/console/vm_console.h"
#include "vmm/vm/vm_life.h"
#include "vmm/vm/vm_point.h"
#include "vmm/vm/vm_state.h"

/* --- On */

static int go_on(struct vm *vm)
{
	if (vm->state == VM_STOPPED)
		return E_INVAL;
	vm_resume(vm);
	return 0;
}

int vm_debug_continue(struct vm *vm)
{
	return go_on(vm);
}

int vm_debug_until(struct vm *vm, gla_t gla, u32 min_esp)
{
	const struct cpu_stop stop = { .gla = gla, .len = 1, .min_esp = min_esp };
	int err = vm->state == VM_STOPPED ? E_INVAL : vm_point_add(vm, &stop, OWNER_ONCE, NULL);

	return err ? err : go_on(vm);
}

int vm_debug_step(struct vm *vm, u32 steps)
{
	struct vcpu *v = vm->vcpu;
	const struct cpu *c = &v->cpu;
	int err;

	if (c->halted)
		return vm_debug_until(vm, c->seg[SEG_CS].base + c->eip, 0);
	err = go_on(vm);
	if (err)
		return err;
	v->steps = steps;
	v->runs_on = false;
	return 0;
}

int vm_debug_reset(struct vm *vm, const char *why)
{
	bool held = vm->debug.told && vm->state != VM_RUNNING;

	if (!vm_reset(vm, why))
		return E_BUSY;
	vm->debug.at_start = held;
	return 0;
}

/* --- Stopped */

static void report_line(void *ctx, const char *text)
{
	vm_report(ctx, "%s", text);
}

static void report_chain(struct vm *vm)
{
	dbg_print_chain(&vm->vcpu->cpu, &(struct dbg_out){ report_line, vm });
}

void vm_debug_died(struct vm *vm)
{
	vm->debug.stood = STOOD_SHUTDOWN;
	report_chain(vm);
}

static void tell(struct vm *vm)
{
	struct cpu *c = &vm->vcpu->cpu;
	bool dead = vm->debug.stood == STOOD_SHUTDOWN;
	char why[VM_DEBUG_WHY];

	if (vm->debug.told)
		vm->debug.told(vm);
	if (vm->debug.told && !dead)
		return;
	vm_debug_why(vm, why, sizeof(why));
	vm_report(vm, "%s", why);
	dbg_disassemble(c, c->seg[SEG_CS].base + c->eip, dbg_code_bits(c), 1,
			&(struct dbg_out){ report_line, vm });
	if (dead)
		report_chain(vm);
}

static void stand(struct vm *vm, enum vm_stood why)
{
	struct vm_debug *d = &vm->debug;

	vm->vcpu->steps = 0;
	vm_pause(vm);
	d->at_start = false;
	d->stood = why;
	vm_points_remove(vm, OWNER_ONCE, ~0u);
	tell(vm);
}

void vm_debug_stop(struct vm *vm)
{
	if (vm->state == VM_RUNNING)
		stand(vm, STOOD_ASKED);
}

void vm_debug_hold(struct vm *vm)
{
	if (vm->start == VM_STARTED || vm->snap || vm->state == VM_STOPPED) {
		vm_debug_stop(vm);
		return;
	}
	vm->debug.at_start = true;
	vm_resume(vm);
}

bool vm_debug_starts(const struct vm *vm)
{
	return vm->debug.at_start && vm->state == VM_RUNNING;
}

void vm_debug_started(struct vm *vm)
{
	if (vm_debug_starts(vm))
		stand(vm, STOOD_STEP);
}

/* The first one that was met; one of gdb's or the prompt's rather than the end of `next`. */
static const struct vm_point *find_met(const struct vm *vm, u64 ids)
{
	const struct vm_point *found = NULL;

	for (; ids; ids &= ids - 1) {
		const struct vm_point *p = &vm->debug.point[__builtin_ctzll(ids)];

		if (p->used && (!found || found->owner == OWNER_ONCE))
			found = p;
	}
	return found;
}

/* All of them, and the VM stands. */
static void run_commands(struct vm *vm, u64 ids)
{
	for (; ids; ids &= ids - 1) {
		const struct vm_point *p = &vm->debug.point[__builtin_ctzll(ids)];

		if (p->used && p->commands && vm->debug.commands)
			vm->debug.commands(vm, p->commands);
	}
}

void vm_debug_met(struct vm *vm)
{
	struct vm_debug *d = &vm->debug;
	const struct cpu_stopped *s = &vm->vcpu->cpu.stops.stopped;
	const struct vm_point *met;
	u64 ids = s->by == STOPPED_NOT ? 0 : s->ids;

	if (vm->state != VM_RUNNING) /* it was stopped meanwhile */
		return;
	met = find_met(vm, ids);
	d->met = met ? *met : (struct vm_point){ .stop = { .gla = s->gla } };
	stand(vm, ids ? STOOD_POINT : STOOD_STEP);
	run_commands(vm, ids);
}

bool vm_debug_halted(struct vm *vm)
{
	if (!vm->debug.at_halt || vm->vcpu->cpu.vif)
		return false;
	stand(vm, STOOD_HALT);
	return true;
}

bool vm_debug_shut_down(struct vm *vm)
{
	if (!vm->debug.at_shutdown)
		return false;
	stand(vm, STOOD_SHUTDOWN);
	return true;
}

void vm_debug_ended(struct vm *vm)
{
	vm->debug.at_start = false;
	if (!vm->debug.told)
		return;
	vm->debug.stood = STOOD_ENDED;
	vm->debug.told(vm);
}

/* --- In words */

static void print_event(const struct cpu *c, char *text, size_t size)
{
	const struct cpu_stopped *s = &c->stops.stopped;
	bool write = s->error & STOP_WRITES;

	switch ((enum cpu_stop_kind)s->kind) {
	case STOP_EXEC:
		fmt_print(text, size, "breakpoint");
		return;
	case STOP_WRITE:
		fmt_print(text, size, "write of watchpoint");
		return;
	case STOP_READ:
		fmt_print(text, size, "read of watchpoint");
		return;
	case STOP_ACCESS:
		fmt_print(text, size, "access to watchpoint");
		return;
	case STOP_PORT:
		fmt_print(text, size, "%s port %04x, catch", write ? "out to" : "in from", s->gla);
		return;
	case STOP_INTERRUPT:
		fmt_print(text, size, "interrupt %02x, catch", s->gla);
		return;
	case STOP_EXCEPTION:
		if (s->vector == VEC_PF)
			fmt_print(text, size, "#PF of %x at %08x, catch", s->error, s->gla);
		else
			fmt_print(text, size, "%s (%x, %x), catch", dbg_exception_name(s->vector),
				  s->error, s->gla);
		return;
	case STOP_CR:
		fmt_print(text, size, "cr%u written, catch", s->gla);
		return;
	case STOP_MSR:
		fmt_print(text, size, "msr %08x %s, catch", s->gla, write ? "written" : "read");
		return;
	case STOP_MODE:
		fmt_print(text, size, "mode changed, catch");
		return;
	case STOP_KINDS:
		break;
	}
	*text = '\0';
}

void vm_debug_why(const struct vm *vm, char *text, size_t size)
{
	const struct vm_debug *d = &vm->debug;
	const struct cpu *c = &vm->vcpu->cpu;
	u16 cs = c->seg[SEG_CS].sel;
	struct dbg_line chain = { .len = 0 };
	char what[100];

	switch (d->stood) {
	case STOOD_NOT:
	case STOOD_ENDED:
		*text = '\0';
		return;
	case STOOD_ASKED:
		fmt_print(text, size, "paused at %04x:%08x", cs, c->eip);
		return;
	case STOOD_STEP:
		fmt_print(text, size, "at %04x:%08x", cs, c->eip);
		return;
	case STOOD_POINT:
		print_event(c, what, sizeof(what));
		if (d->met.number)
			fmt_print(text, size, "%s %u at %04x:%08x", what, d->met.number, cs,
				  c->eip);
		else
			fmt_print(text, size, "at %04x:%08x", cs, c->eip);
		return;
	case STOOD_HALT:
		fmt_print(text, size, "halted with interrupts off at %04x:%08x", cs, c->eip);
		return;
	case STOOD_SHUTDOWN:
		dbg_add_chain(&chain, c);
		fmt_print(text, size, "frozen by a triple fault at %04x:%08x: %s", cs, c->eip,
			  chain.text);
		return;
	}
}
