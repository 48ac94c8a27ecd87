/* SPDX-License-Identifier: MIT */
/*
 * Stopping and going on; the header tells what. emu/cpu/stop.h has how points are watched.
 */
#include "vmm/vm/vm_debug.h"

#include "emu/cpu/stop_list.h"
#include "emu/dbg/dbg_disas.h"
#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "vmm/console/vm_console.h"
#include "vmm/vm/vm_state.h"

/* --- Points */

int vm_debug_add(struct vm *vm, const struct cpu_stop *stop, enum vm_owner owner, u32 *number)
{
	struct vm_debug *d = &vm->debug;
	int err = cpu_stop_add(&vm->vcpu->cpu, stop);

	if (err)
		return err;
	d->point[d->points++] = (struct vm_point){
		.number = owner == OWNER_PROMPT ? ++d->numbers : 0, .stop = *stop, .owner = owner
	};
	if (number)
		*number = d->numbers;
	return 0;
}

static void drop(struct vm *vm, unsigned i)
{
	struct vm_debug *d = &vm->debug;

	cpu_stop_remove(&vm->vcpu->cpu, &d->point[i].stop);
	for (d->points--; i < d->points; i++)
		d->point[i] = d->point[i + 1];
}

int vm_debug_delete(struct vm *vm, u32 number)
{
	for (unsigned i = 0; i < vm->debug.points; i++) {
		if (vm->debug.point[i].number != number)
			continue;
		drop(vm, i);
		return 0;
	}
	return E_NOENT;
}

int vm_debug_remove(struct vm *vm, const struct cpu_stop *stop, enum vm_owner owner)
{
	for (unsigned i = 0; i < vm->debug.points; i++) {
		const struct vm_point *p = &vm->debug.point[i];

		if (p->owner != owner || p->stop.gla != stop->gla || p->stop.len != stop->len ||
		    p->stop.kind != stop->kind)
			continue;
		drop(vm, i);
		return 0;
	}
	return E_NOENT;
}

void vm_debug_remove_all(struct vm *vm, enum vm_owner owner)
{
	for (unsigned i = vm->debug.points; i-- > 0;)
		if (vm->debug.point[i].owner == owner)
			drop(vm, i);
}

/* --- On */

static int go_on(struct vm *vm)
{
	if (vm->state == VM_STOPPED)
		return E_INVAL;
	vm->debug.stood = STOOD_NOT;
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
	int err = vm->state == VM_STOPPED ? E_INVAL : vm_debug_add(vm, &stop, OWNER_ONCE, NULL);

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

/* --- Stopped */

static void report_line(void *ctx, const char *text)
{
	vm_report(ctx, "%s", text);
}

static void tell(struct vm *vm)
{
	struct cpu *c = &vm->vcpu->cpu;
	char why[120];

	if (vm->debug.told) {
		vm->debug.told(vm);
		return;
	}
	vm_debug_why(vm, why, sizeof(why));
	vm_report(vm, "%s", why);
	dbg_disassemble(c, c->seg[SEG_CS].base + c->eip, dbg_code_bits(c), 1,
			&(struct dbg_out){ report_line, vm });
}

static void stand(struct vm *vm, enum vm_stood why)
{
	struct vm_debug *d = &vm->debug;

	vm->vcpu->steps = 0;
	vm_pause(vm);
	d->stood = why;
	vm_debug_remove_all(vm, OWNER_ONCE);
	tell(vm);
}

void vm_debug_stop(struct vm *vm)
{
	if (vm->state == VM_RUNNING)
		stand(vm, STOOD_ASKED);
}

/* The one that was met. A prompt's is shown rather than gdb's at the same place. */
static struct vm_point *find_met(struct vm *vm, const struct cpu_stopped *s)
{
	struct vm_point *found = NULL;

	for (unsigned i = 0; i < vm->debug.points; i++) {
		struct vm_point *p = &vm->debug.point[i];

		if (p->stop.gla != s->gla || p->stop.kind != s->kind)
			continue;
		p->hits++;
		if (!found || found->owner == OWNER_ONCE)
			found = p;
	}
	return found;
}

void vm_debug_met(struct vm *vm)
{
	struct vm_debug *d = &vm->debug;
	const struct cpu_stopped *s = &vm->vcpu->cpu.stops.stopped;
	struct vm_point *met = NULL;
	enum vm_stood why = STOOD_STEP;

	if (vm->state != VM_RUNNING) /* it was stopped meanwhile */
		return;
	if (s->by == STOPPED_AT || s->by == STOPPED_BY_DATA) {
		why = STOOD_POINT;
		met = find_met(vm, s);
	} else if (s->by == STOPPED_BY_EXCEPTION) {
		why = STOOD_EXCEPTION;
	}
	d->met = met ? *met : (struct vm_point){ .stop = { .gla = s->gla } };
	stand(vm, why);
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
	if (!vm->debug.told)
		return;
	vm->debug.stood = STOOD_ENDED;
	vm->debug.told(vm);
}

/* --- In words */

static const char *const exception_name[] = {
	"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "#9",
	"#TS", "#NP", "#SS", "#GP", "#PF", "#15", "#MF", "#AC", "#MC", "#XM",
};

static const char *name_of(u8 vector)
{
	return vector < ARRAY_SIZE(exception_name) ? exception_name[vector] : "exception";
}

/* "#PF at c0001000, then #GP, then #DF" */
static void print_chain(const struct cpu *c, char *text, size_t size)
{
	size_t n = 0;

	*text = '\0';
	for (unsigned i = 0; i < c->stops.chain_length && n < size; i++) {
		const struct cpu_fault *f = &c->stops.chain[i];

		n += (size_t)fmt_print(text + n, size - n, "%s%s", i ? ", then " : "",
				       name_of(f->vector));
		if (n < size && f->vector == VEC_PF)
			n += (size_t)fmt_print(text + n, size - n, " of %x at %08x", f->error,
					       f->addr);
		else if (n < size && f->has_error)
			n += (size_t)fmt_print(text + n, size - n, "(%x)", f->error);
	}
}

void vm_debug_why(const struct vm *vm, char *text, size_t size)
{
	static const char *const kind[] = { "breakpoint", "write of watchpoint",
					    "read of watchpoint", "access to watchpoint" };
	const struct vm_debug *d = &vm->debug;
	const struct cpu *c = &vm->vcpu->cpu;
	const struct cpu_stopped *s = &c->stops.stopped;
	u16 cs = c->seg[SEG_CS].sel;
	char chain[100];

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
		if (d->met.number)
			fmt_print(text, size, "%s %u at %04x:%08x", kind[d->met.stop.kind],
				  d->met.number, cs, c->eip);
		else
			fmt_print(text, size, "at %04x:%08x", cs, c->eip);
		return;
	case STOOD_EXCEPTION:
		fmt_print(text, size,
			  s->vector == VEC_PF ? "%s of %x at %08x by %04x:%08x"
					      : "%s (%x, %x) by %04x:%08x",
			  name_of(s->vector), s->error, s->gla, cs, c->eip);
		return;
	case STOOD_HALT:
		fmt_print(text, size, "halted with interrupts off at %04x:%08x", cs, c->eip);
		return;
	case STOOD_SHUTDOWN:
		print_chain(c, chain, sizeof(chain));
		fmt_print(text, size, "frozen by a triple fault at %04x:%08x: %s", cs, c->eip,
			  chain);
		return;
	}
}
