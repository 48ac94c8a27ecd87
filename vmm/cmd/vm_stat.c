/* SPDX-License-Identifier: MIT */
/*
 * A VM's counters for programs, and every VM in short.
 */
#include "vmm/cmd/vm_stat.h"

#include "kernel/time/clock.h"
#include "kernel/console/console.h"
#include "vmm/cmd/stat_tables.h"
#include "vmm/run/policy.h"
#include "vmm/state/account.h"
#include "vmm/state/vm.h"
#include "vmm/vm/vm_life.h"
#include "vmm/vm/vm_state.h"

#define EXITS_SHOWN    8u
#define EXITS_AT_PANIC 16u

/* These read only what is whole at any time: interrupts, NMIs and panics call them. */

static void print_short(const struct vm *vm, unsigned exits)
{
	const struct cpu *c = &vm->vcpu->cpu;

	console_print("vm %s: %s, engine %s, in %s, cs %04x eip %08x (as it last left) cpl "
		      "%u if %u%s\n",
		      vm->config.name, vm_state_name(vm->state), vm_engine_name(vm->config.engine),
		      vcpu_place_name[vm->vcpu->place], c->seg[SEG_CS].sel, c->eip, c->cpl,
		      c->vif != 0, c->halted ? " halted" : "");
	console_print("    %u bytes of input not taken%s\n", ring_used(&vm->console.input),
		      vm->console.blocked ? ", waits for the console's line" : "");
	exit_trace_print(&vm->vcpu->trace, exits, NULL);
}

void vm_print_all(void)
{
	struct list *p;

	list_for_each (p, &vm_list)
		print_short(list_entry(p, struct vm, link), EXITS_SHOWN);
}

void vm_print_current(void)
{
	const struct vcpu *v = percpu_this()->vcpu;

	if (v)
		print_short(v->vm, EXITS_AT_PANIC);
	else
		console_print("no VM's state is in the processor\n");
}

static void pair(const char *group, const char *name, const char *unit, u64 value)
{
	console_print("%s.%s%s%s %llu\n", group, name, unit ? "." : "", unit ? unit : "",
		      (unsigned long long)value);
}

/* The number first; where it was is for reading. */
static void print_irqs_off(const char *group, const struct irqs_off *o)
{
	pair(group, "irqs_off_ns", NULL, clock_tsc_to_ns(o->cycles));
	if (o->began)
		console_print("%s.irqs_off_at %s, eip %08x\n", group, o->began, o->eip);
}

static void print_engine(const struct vcpu *v, u64 tsc)
{
	const struct vcpu_stats now = vcpu_stats_at(v, tsc), *s = &now;

	for (int i = 0; i < PLACE_COUNT; i++) {
		pair("state", vcpu_place_name[i], "cycles", s->cycles[i]);
		pair("state", vcpu_place_name[i], "entries", s->entries[i]);
	}
	for (int i = 0; i < AWAY_COUNT; i++)
		pair("away", vcpu_away_name[i], "cycles", s->away[i]);
	for (int i = 0; i < REFUSE_COUNT; i++)
		if (s->refusals[i])
			pair("refused", raw_refusal_name[i], NULL, s->refusals[i]);
	for (int i = 0; i < RAWEXIT_COUNT; i++)
		if (s->raw_exits[i])
			pair("rawexit", raw_exit_name[i], NULL, s->raw_exits[i]);
	pair("raw", "pf_filled", NULL, s->pf_filled);
	pair("raw", "device_turns", NULL, v->raw_device.turns);
	pair("vcpu", "code_traps", NULL, s->code_traps);
	pair("vcpu", "cr3_loads", NULL, s->cr3_loads);
	pair("vcpu", "view_switches", NULL, s->view_switches);
	pair("vcpu", "views_checked", NULL, s->views_checked);
	pair("vcpu", "interrupts", NULL, s->interrupts);
	pair("vcpu", "halts", NULL, s->halts);
	pair("vcpu", "dozes", NULL, v->idle.dozes);
	pair("vcpu", "slices", NULL, s->slices);
	pair("vcpu", "started_ns", NULL, s->started_ns);
	pair("vcpu", "used_ns", NULL, v->vm->task.used);
	pair("vcpu", "late_ns", NULL, s->late_ns);
	print_irqs_off("vcpu", &v->irqs_off);
	print_irqs_off("monitor", irqs_off_longest());
}

static void print_rows(const char *group, const struct stat_table *table, const void *stats)
{
	for (unsigned i = 0; i < table->rows; i++)
		pair(group, table->row[i].name, NULL, stat_value(&table->row[i], stats));
}

void vm_print_stat(struct vm *vm)
{
	u64 tsc = rdtsc(); /* of all that is a time */

	console_print("vm %s\nengine %s\nstate %s\n", vm->config.name,
		      vm_engine_name(vm->config.engine), vm_state_name(vm->state));
	pair("monitor", "clock_ns", NULL, clock_at(tsc));
	pair("monitor", "tsc_hz", NULL, clock_tsc_hz());
	pair("vm", "time_ns", NULL, vm_now(vm));
	pair("vm", "resets", NULL, vm->resets);
	pair("vm", "inits", NULL, vm->inits);
	pair("vm", "overhead_bytes", NULL, vm_overhead(vm));
	print_engine(vm->vcpu, tsc);
	print_rows("recomp", &stat_recomp, recomp_stats(vm->vcpu->cpu.recomp));
	print_rows("shadow", &stat_shadow, shadow_stats(vm->vcpu->shadow));
	pair("pages", "analysed", NULL, vm->raw_pages.analysed);
	pair("pages", "clean", NULL, vm->raw_pages.clean);
	pair("pages", "dirty", NULL, vm->raw_pages.dirty);
	pair("pages", "lost", NULL, vm->raw_pages.lost);
	pair("auto", "trials", NULL, vm->vcpu->policy.trials);
	pair("auto", "long_stays", NULL, vm->vcpu->policy.long_stays);
	pair("desc", "syncs", NULL, vm->vcpu->desc.syncs);
}
