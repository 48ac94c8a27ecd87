/* SPDX-License-Identifier: MIT */
/*
 * What any depth of the VM layer may ask of a VM.
 */
#include "vmm/state/vm.h"

#include <stdarg.h>

#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/time/clock.h"

struct list vm_list = LIST_INIT(vm_list);

struct vm *vm_find(const char *name)
{
	struct list *p;

	list_for_each (p, &vm_list) {
		struct vm *vm = list_entry(p, struct vm, link);

		if (!strcmp(vm->config.name, name))
			return vm;
	}
	return NULL;
}

u64 vm_now(const struct vm *vm)
{
	u64 now = vm->state == VM_RUNNING ? clock_now() : vm->paused_at;

	if (vm->held)
		return vm->held_now;
	return now - vm->time_offset;
}

u64 vm_deadline(const struct vm *vm)
{
	return vm->deadline == UINT64_MAX ? UINT64_MAX : vm->deadline + vm->time_offset;
}

int vm_inject(struct vm *vm, u8 vector)
{
	if (vm->injected)
		return E_BUSY;
	vm->injected = (u16)(1 + vector);
	recomp_signal(&vm->vcpu->cpu, CPU_EVENT_INTR);
	return 0;
}

int vm_take_injected(struct vm *vm)
{
	int vector = vm->injected - 1;

	if (!vm->injected)
		return -1;
	vm->injected = 0;
	if (!board_intr_pending(vm->board))
		recomp_unsignal(&vm->vcpu->cpu, CPU_EVENT_INTR);
	return vector;
}

u64 vm_wakes_at(const struct vm *vm)
{
	const struct cpu *c = &vm->vcpu->cpu;
	u64 at;

	if (vm->state != VM_RUNNING && !vm->snap)
		return UINT64_MAX;
	if (vm->start != VM_STARTED || vm->request)
		return 0;
	if (vm->console.blocked)
		return UINT64_MAX; /* vm_console_feed() says until when */
	if (!c->halted && vm->vcpu->idle.until && !(c->events & (CPU_EVENT_INTR | CPU_EVENT_NMI))) {
		at = board_wakes_at(vm->board);
		return at == UINT64_MAX ? vm->vcpu->idle.until
					: MIN(at + vm->time_offset, vm->vcpu->idle.until);
	}
	if (!c->halted || cpu_event_due(c))
		return 0;
	at = c->vif ? board_wakes_at(vm->board) : UINT64_MAX; /* no device here raises NMI */
	return at == UINT64_MAX ? UINT64_MAX : at + vm->time_offset;
}

void vm_kill(struct vm *vm, const char *fmt, ...)
{
	va_list ap;

	if (vm->request == VM_REQ_KILL)
		return;
	va_start(ap, fmt);
	fmt_vprint(vm->kill_reason, sizeof(vm->kill_reason), fmt, ap);
	va_end(ap);
	vm->request = VM_REQ_KILL;
	if (vm->vcpu)
		recomp_signal(&vm->vcpu->cpu, CPU_EVENT_YIELD);
}
