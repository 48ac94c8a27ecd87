/* SPDX-License-Identifier: MIT */
/*
 * Points. Whether one counts is asked in the midst of the guest's code, at the boundary where it
 * was met: emu/cpu/stop.h.
 */
#include "vmm/vm/vm_point.h"

#include "emu/cpu/stop_list.h"
#include "emu/dbg/dbg_expr.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "vmm/vm/event_trace.h"

struct vm_if {
	struct dbg_expr expr;
	char text[VM_CONDITION];
};

/* What cannot be asked holds. */
static bool holds(struct cpu *cpu, u8 id)
{
	struct vm *vm = cpu->stops.owner;
	struct vm_point *p = &vm->debug.point[id];
	u32 value;

	if (p->cond && dbg_expr_value(cpu, &p->cond->expr, &value) && !value)
		return false;
	p->hits++;
	if (!p->ignore)
		return true;
	p->ignore--;
	return false;
}

void vm_points_init(struct vm *vm)
{
	vm->vcpu->cpu.stops.holds = holds;
	vm->vcpu->cpu.stops.owner = vm;
}

static struct vm_point *find_free(struct vm *vm)
{
	for (unsigned i = 0; i < CPU_STOPS; i++)
		if (!vm->debug.point[i].used)
			return &vm->debug.point[i];
	return NULL;
}

int vm_point_add(struct vm *vm, const struct cpu_stop *stop, enum vm_owner owner, u32 *number)
{
	struct vm_debug *d = &vm->debug;
	struct vm_point *p = find_free(vm);
	struct cpu_stop own = *stop;
	int err;

	if (!p)
		return E_FULL;
	own.id = (u8)(p - d->point);
	err = cpu_stop_add(&vm->vcpu->cpu, &own);
	if (err)
		return err;
	*p = (struct vm_point){ .used = true,
				.number = owner == OWNER_PROMPT ? ++d->numbers : 0,
				.stop = own,
				.owner = owner };
	if (number)
		*number = d->numbers;
	return 0;
}

struct vm_point *vm_point_find(struct vm *vm, u32 number)
{
	for (unsigned i = 0; i < CPU_STOPS; i++) {
		struct vm_point *p = &vm->debug.point[i];

		if (p->used && p->owner == OWNER_PROMPT && p->number == number)
			return p;
	}
	return NULL;
}

static void forget(struct vm_point *p)
{
	mem_free(p->cond);
	mem_free(p->commands);
	p->used = false;
	p->cond = NULL;
	p->commands = NULL;
}

void vm_point_remove(struct vm *vm, struct vm_point *p)
{
	cpu_stop_remove(&vm->vcpu->cpu, &p->stop);
	forget(p);
}

int vm_point_remove_same(struct vm *vm, const struct cpu_stop *stop, enum vm_owner owner)
{
	for (unsigned i = 0; i < CPU_STOPS; i++) {
		struct vm_point *p = &vm->debug.point[i];

		if (!p->used || p->owner != owner || p->stop.gla != stop->gla ||
		    p->stop.len != stop->len || p->stop.kind != stop->kind)
			continue;
		vm_point_remove(vm, p);
		return 0;
	}
	return E_NOENT;
}

void vm_points_remove(struct vm *vm, enum vm_owner owner, u32 kinds)
{
	for (unsigned i = 0; i < CPU_STOPS; i++) {
		struct vm_point *p = &vm->debug.point[i];

		if (p->used && p->owner == owner && (kinds & BIT(p->stop.kind)))
			vm_point_remove(vm, p);
	}
}

void vm_points_destroy(struct vm *vm)
{
	event_trace_destroy(vm);
	for (unsigned i = 0; i < CPU_STOPS; i++)
		forget(&vm->debug.point[i]);
}

const char *vm_point_set_condition(struct vm *vm, struct vm_point *p, const char *text)
{
	struct vm_if *cond = NULL;
	const char *why;

	if (text[0]) {
		if (strlen(text) >= VM_CONDITION)
			return "too long";
		cond = mem_alloc(sizeof(*cond));
		if (!cond)
			return "no memory";
		str_copy(cond->text, text, sizeof(cond->text));
		why = dbg_expr_compile(&vm->vcpu->cpu, text, &cond->expr);
		if (why) {
			mem_free(cond);
			return why;
		}
	}
	mem_free(p->cond);
	p->cond = cond;
	return NULL;
}

const char *vm_point_condition(const struct vm_point *p)
{
	return p->cond ? p->cond->text : "";
}

const char *vm_point_set_commands(struct vm_point *p, const char *text)
{
	char *own = NULL;

	if (text[0]) {
		if (strlen(text) >= VM_COMMANDS)
			return "too long";
		own = mem_alloc(VM_COMMANDS);
		if (!own)
			return "no memory";
		str_copy(own, text, VM_COMMANDS);
	}
	mem_free(p->commands);
	p->commands = own;
	return NULL;
}
