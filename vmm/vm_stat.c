/* SPDX-License-Identifier: MIT */
/*
 * What `regs NAME` and `stat NAME` print.
 */
#include "vmm/vm_stat.h"

#include "kernel/clock.h"
#include "kernel/console.h"
#include "vmm/vm.h"

void vm_print_regs(struct vm *vm)
{
	static const char *const name[] = { "es", "cs", "ss", "ds", "fs", "gs" };
	const struct cpu *c = &vm->vcpu->cpu;

	console_print("eax=%08x ebx=%08x ecx=%08x edx=%08x\n", c->gpr[REG_EAX], c->gpr[REG_EBX],
		      c->gpr[REG_ECX], c->gpr[REG_EDX]);
	console_print("esi=%08x edi=%08x ebp=%08x esp=%08x\n", c->gpr[REG_ESI], c->gpr[REG_EDI],
		      c->gpr[REG_EBP], c->gpr[REG_ESP]);
	console_print("eip=%08x eflags=%08x cpl=%u%s\n", c->eip, cpu_eflags(c), c->cpl,
		      c->halted ? " halted" : "");
	for (int s = 0; s < SEG_COUNT; s++)
		console_print("%s=%04x base=%08x limit=%08x attr=%04x\n", name[s], c->seg[s].sel,
			      c->seg[s].base, c->seg[s].limit, c->seg[s].attr);
	console_print("tr=%04x base=%08x  ldtr=%04x base=%08x\n", c->tr.sel, c->tr.base,
		      c->ldtr.sel, c->ldtr.base);
	console_print("gdt=%08x/%04x idt=%08x/%04x\n", c->gdtr.base, c->gdtr.limit, c->idtr.base,
		      c->idtr.limit);
	console_print("cr0=%08x cr2=%08x cr3=%08x cr4=%08x\n", c->cr0, c->cr2, c->cr3, c->cr4);
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
	pair("vcpu", "code_traps", NULL, s->code_traps);
	pair("vcpu", "cr3_loads", NULL, s->cr3_loads);
	pair("vcpu", "view_switches", NULL, s->view_switches);
	pair("vcpu", "interrupts", NULL, s->interrupts);
	pair("vcpu", "halts", NULL, s->halts);
	pair("vcpu", "slices", NULL, s->slices);
	pair("vcpu", "started_ns", NULL, s->started_ns);
	pair("vcpu", "vruntime", NULL, v->vruntime);
	pair("vcpu", "late_ns", NULL, s->late_ns);
	print_irqs_off("vcpu", &v->irqs_off);
	print_irqs_off("monitor", irqs_off_longest());
}

static void print_recompiler(const struct recomp_stats *s)
{
	pair("recomp", "blocks", NULL, s->blocks);
	pair("recomp", "blocks_evicted", NULL, s->blocks_evicted);
	pair("recomp", "cache_flushes", NULL, s->cache_flushes);
	pair("recomp", "guest_insns", NULL, s->guest_insns);
	pair("recomp", "guest_bytes", NULL, s->guest_bytes);
	pair("recomp", "host_bytes", NULL, s->host_bytes);
	pair("recomp", "dispatches", NULL, s->dispatches);
	pair("recomp", "lookup_misses", NULL, s->lookup_misses);
	pair("recomp", "hard_execs", NULL, s->hard_execs);
	pair("recomp", "faults_resolved", NULL, s->faults_resolved);
	pair("recomp", "faults_delivered", NULL, s->faults_delivered);
	pair("recomp", "slow_accesses", NULL, s->slow_accesses);
	pair("recomp", "smc_writes", NULL, s->smc_writes);
	pair("recomp", "smc_blocks", NULL, s->smc_blocks);
	pair("recomp", "patches", NULL, s->patches);
	pair("recomp", "code_used", NULL, s->code_used);
	pair("recomp", "arena_used", NULL, s->arena_used);
	pair("recomp", "slots_used", NULL, s->slots_used);
}

static void print_shadow(const struct shadow_stats *s)
{
	pair("shadow", "roots_created", NULL, s->roots_created);
	pair("shadow", "roots_reused", NULL, s->roots_reused);
	pair("shadow", "roots_switched", NULL, s->roots_switched);
	pair("shadow", "roots_switched", NULL, s->roots_switched);
	pair("shadow", "switch_pages", NULL, s->switch_pages);
	pair("shadow", "switch_all", NULL, s->switch_all);
	pair("shadow", "tables_created", NULL, s->tables_created);
	pair("shadow", "tables_flushed", NULL, s->tables_flushed);
	pair("shadow", "pool_flushes", NULL, s->pool_flushes);
	pair("shadow", "evictions", NULL, s->evictions);
	pair("shadow", "faults_filled", NULL, s->faults_filled);
	pair("shadow", "faults_guest", NULL, s->faults_guest);
	pair("shadow", "faults_slow", NULL, s->faults_slow);
	pair("shadow", "tracked_writes", NULL, s->tracked_writes);
	pair("shadow", "prefetched", NULL, s->prefetched);
	pair("shadow", "pages_used", NULL, s->pages_used);
}

void vm_print_stat(struct vm *vm)
{
	console_print("vm %s\nengine %s\nstate %s\n", vm->config.name,
		      vm_engine_name(vm->config.engine), vm_state_name(vm->state));
	pair("vm", "time_ns", NULL, vm_now(vm));
	pair("vm", "resets", NULL, vm->resets);
	pair("vm", "overhead_bytes", NULL, vm_overhead(vm));
	print_engine(vm->vcpu);
	print_recompiler(recomp_stats(vm->vcpu->cpu.recomp));
	print_shadow(shadow_stats(vm->vcpu->shadow));
	pair("pages", "analysed", NULL, vm->raw_pages.analysed);
	pair("pages", "clean", NULL, vm->raw_pages.clean);
	pair("pages", "dirty", NULL, vm->raw_pages.dirty);
	pair("pages", "lost", NULL, vm->raw_pages.lost);
	pair("auto", "trials", NULL, vm->vcpu->policy.trials);
	pair("auto", "long_stays", NULL, vm->vcpu->policy.long_stays);
	pair("desc", "syncs", NULL, vm->vcpu->desc.syncs);
}
