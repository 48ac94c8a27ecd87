/* SPDX-License-Identifier: MIT */
/*
 * What `regs NAME` and `stat NAME` print.
 */
#include "vmm/cmd/vm_stat.h"

#include "kernel/time/clock.h"
#include "kernel/console/console.h"
#include "vmm/run/policy.h"
#include "vmm/state/account.h"
#include "vmm/state/vm.h"
#include "vmm/vm/vm_life.h"
#include "vmm/vm/vm_state.h"

#define EXITS_SHOWN 8u

/* Reads only what is whole at any time: interrupts and NMIs call it. */
void vm_print_all(void)
{
	struct list *p;

	list_for_each (p, &vm_list) {
		struct vm *vm = list_entry(p, struct vm, link);
		const struct cpu *c = &vm->vcpu->cpu;

		console_print("vm %s: %s, engine %s, in %s, cs %04x eip %08x (as it last left) cpl "
			      "%u if %u%s\n",
			      vm->config.name, vm_state_name(vm->state),
			      vm_engine_name(vm->config.engine), vcpu_place_name[vm->vcpu->place],
			      c->seg[SEG_CS].sel, c->eip, c->cpl, c->vif != 0,
			      c->halted ? " halted" : "");
		console_print("    %u bytes of input not taken%s\n", ring_used(&vm->console.input),
			      vm->console.blocked ? ", waits for the console's line" : "");
		exit_trace_print(&vm->vcpu->trace, EXITS_SHOWN);
	}
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

static void print_engine(const struct vcpu *v)
{
	const struct vcpu_stats *s = &v->stats;

	for (int i = 0; i < PLACE_COUNT; i++) {
		pair("state", vcpu_place_name[i], "cycles", s->cycles[i]);
		pair("state", vcpu_place_name[i], "entries", s->entries[i]);
	}
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

/* A counter of a statistics structure and its name: a row each, so that none is printed twice or
 * under another's name. */
struct row {
	const char *name;
	u16 offset;
};

#define ROW(type, field)                             \
	{                                            \
#field, offsetof(struct type, field) \
	}
#define RECOMP_ROW(field) ROW(recomp_stats, field)
#define SHADOW_ROW(field) ROW(shadow_stats, field)

static const struct row recomp_row[] = {
	RECOMP_ROW(blocks),	     RECOMP_ROW(blocks_evicted),   RECOMP_ROW(cache_flushes),
	RECOMP_ROW(guest_insns),     RECOMP_ROW(guest_bytes),	   RECOMP_ROW(host_bytes),
	RECOMP_ROW(dispatches),	     RECOMP_ROW(lookup_misses),	   RECOMP_ROW(hard_execs),
	RECOMP_ROW(faults_resolved), RECOMP_ROW(faults_delivered), RECOMP_ROW(slow_accesses),
	RECOMP_ROW(smc_writes),	     RECOMP_ROW(smc_blocks),	   RECOMP_ROW(patches),
	RECOMP_ROW(mixed_pages),     RECOMP_ROW(stale_blocks),	   RECOMP_ROW(verified_blocks),
	RECOMP_ROW(code_used),	     RECOMP_ROW(arena_used),	   RECOMP_ROW(slots_used),
	RECOMP_ROW(went_on),
};

static const struct row shadow_row[] = {
	SHADOW_ROW(roots_created),  SHADOW_ROW(roots_reused), SHADOW_ROW(roots_switched),
	SHADOW_ROW(switch_pages),   SHADOW_ROW(switch_all),   SHADOW_ROW(tables_created),
	SHADOW_ROW(tables_flushed), SHADOW_ROW(pool_flushes), SHADOW_ROW(evictions),
	SHADOW_ROW(faults_filled),  SHADOW_ROW(faults_guest), SHADOW_ROW(faults_slow),
	SHADOW_ROW(tracked_writes), SHADOW_ROW(prefetched),   SHADOW_ROW(pages_used),
};

static void print_rows(const char *group, const struct row *row, unsigned n, const void *stats)
{
	for (unsigned i = 0; i < n; i++)
		pair(group, row[i].name, NULL, *(const u64 *)((const u8 *)stats + row[i].offset));
}

void vm_print_stat(struct vm *vm)
{
	console_print("vm %s\nengine %s\nstate %s\n", vm->config.name,
		      vm_engine_name(vm->config.engine), vm_state_name(vm->state));
	pair("vm", "time_ns", NULL, vm_now(vm));
	pair("vm", "resets", NULL, vm->resets);
	pair("vm", "inits", NULL, vm->inits);
	pair("vm", "overhead_bytes", NULL, vm_overhead(vm));
	print_engine(vm->vcpu);
	print_rows("recomp", recomp_row, ARRAY_SIZE(recomp_row),
		   recomp_stats(vm->vcpu->cpu.recomp));
	print_rows("shadow", shadow_row, ARRAY_SIZE(shadow_row), shadow_stats(vm->vcpu->shadow));
	pair("pages", "analysed", NULL, vm->raw_pages.analysed);
	pair("pages", "clean", NULL, vm->raw_pages.clean);
	pair("pages", "dirty", NULL, vm->raw_pages.dirty);
	pair("pages", "lost", NULL, vm->raw_pages.lost);
	pair("auto", "trials", NULL, vm->vcpu->policy.trials);
	pair("auto", "long_stays", NULL, vm->vcpu->policy.long_stays);
	pair("desc", "syncs", NULL, vm->vcpu->desc.syncs);
}
