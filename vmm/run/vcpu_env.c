/* SPDX-License-Identifier: MIT */
/*
 * The world around the virtual CPU (struct cpu_env) as the monitor provides it.
 *
 * Views: a change of CPL loads none. Translated code is looked for and entered in one place each,
 * and there the view of its CPL is loaded, whoever delivered what since. So a system call in raw
 * ring 3 that is recompiled in between costs no CR3 write: raw execution needs the kernel view,
 * too.
 */
#include "vmm/run/vcpu_env.h"

#include "arch/cpu/processor.h"
#include "emu/dbg/dbg_smc.h"
#include "emu/dev/strict.h"
#include "kernel/base/count.h"
#include "kernel/base/error.h"
#include "vmm/run/idle.h"
#include "vmm/run/policy.h"
#include "vmm/run/vm_cpuid.h"
#include "vmm/state/account.h"
#include "vmm/state/vcpu_load.h"
#include "vmm/state/vcpu_watch.h"
#include "vmm/state/view_check.h"
#include "vmm/state/vm.h"

static struct vcpu *vcpu_of(struct cpu *cpu)
{
	return cpu->env_ctx;
}

/* Without paging one root serves both (shadow_role()). */
static enum shadow_view view_of(const struct cpu *cpu)
{
	return cpu->cpl == 3 && cpu_paging(cpu) ? VIEW_USER : VIEW_KERNEL;
}

static u32 env_io_read(struct cpu *cpu, u16 port, unsigned size)
{
	struct vcpu *v = vcpu_of(cpu);

	if (v->idle.on)
		idle_port_read(v, port);

	u32 value = board_io_read(v->vm->board, port, size);

	v->vm->strict.next_in = 0;
	return value;
}

static void env_io_write(struct cpu *cpu, u16 port, unsigned size, u32 value)
{
	struct vcpu *v = vcpu_of(cpu);

	v->idle.writes++;
	v->vm->strict.next_in = 0;
	board_io_write(v->vm->board, port, size, value);
	if (v->vm->request != VM_REQ_NONE)
		recomp_signal(cpu, CPU_EVENT_YIELD);
}

static u32 env_io_read_many(struct cpu *cpu, u16 port, unsigned size, void *to, u32 n)
{
	return board_io_read_many(vcpu_of(cpu)->vm->board, port, size, to, n);
}

static u32 env_io_write_many(struct cpu *cpu, u16 port, unsigned size, const void *from, u32 n)
{
	struct vcpu *v = vcpu_of(cpu);
	u32 done = board_io_write_many(v->vm->board, port, size, from, n);

	v->idle.writes++;

	if (v->vm->request != VM_REQ_NONE)
		recomp_signal(cpu, CPU_EVENT_YIELD);
	return done;
}

static int env_intr_ack(struct cpu *cpu)
{
	struct vcpu *v = vcpu_of(cpu);

	int vector = vm_take_injected(v->vm);

	if (vector < 0)
		vector = board_intr_ack(v->vm->board);

	COUNT(v->stats.interrupts);
	exit_trace_add(&v->trace, TRACE_IRQ, (u8)vector, cpu->eip, 0, rdtsc());
	return vector;
}

static enum env_pf env_page_fault(struct cpu *cpu, gla_t gla, unsigned access)
{
	struct vcpu *v = vcpu_of(cpu);
	enum env_pf filled = shadow_fault(v->shadow, gla, access);

	view_check(v);
	return filled;
}

void vcpu_tell_mapping(struct vcpu *v)
{
	recomp_set_mapping(v->cpu.recomp, false, shadow_code_mapping(v->shadow, false));
	if (v->view == VIEW_USER || !cpu_paging(&v->cpu)) /* where code of CPL 3 is found */
		recomp_set_mapping(v->cpu.recomp, true, shadow_code_mapping(v->shadow, true));
}

/* Kept out of the usual way, which is that nothing has changed. */
static __attribute__((noinline)) void load_view(struct vcpu *v)
{
	vcpu_load_root(v, view_of(&v->cpu));
	vcpu_tell_mapping(v);
}

/* Has the view been loaded, with the number of its mapping told? */
static inline bool view_is_known(const struct vcpu *v, bool cpl3)
{
	return vcpu_root_is_loaded(v, view_of(&v->cpu)) &&
	       recomp_mapping_is(v->cpu.recomp, cpl3, shadow_code_mapping(v->shadow, cpl3));
}

static __attribute__((noinline)) void user_code_sought(struct vcpu *v)
{
	if (!view_is_known(v, true))
		load_view(v);
}

/* The number of CPL 3 is its own view's: the kernel's says nothing about what a program maps. */
static void env_code_sought(struct cpu *cpu)
{
	struct vcpu *v = vcpu_of(cpu);

	if (cpu->cpl == 3)
		user_code_sought(v);
	else if (!view_is_known(v, false))
		load_view(v);
}

static __attribute__((noinline)) void enter_view(struct vcpu *v)
{
	vcpu_load_root(v, view_of(&v->cpu));
	vcpu_account(v, PLACE_RECOMPILER);
}

static void env_code_runs(struct cpu *cpu, bool runs)
{
	struct vcpu *v = vcpu_of(cpu);
	enum vcpu_place place = runs ? PLACE_RECOMPILER : PLACE_TRANSLATOR;

	if (runs && !vcpu_root_is_loaded(v, view_of(cpu)))
		enter_view(v);
	else if (v->place != place)
		vcpu_account(v, place);
}

static void tell_unwritten_code(struct vcpu *v, gla_t gla)
{
	struct pagewalk w;

	if (!cpu_probe(&v->cpu, gla, ACCESS_EXEC, &w) && gpmem_unwritten(&v->vm->mem, w.gpa, 1))
		v->vm->strict.broken_by(v->vm, STRICT_ram_executed, (u32)w.gpa);
}

static bool env_code_found(struct cpu *cpu, gla_t gla)
{
	struct vcpu *v = vcpu_of(cpu);

	if (v->vm->config.strict_ram)
		tell_unwritten_code(v, gla);
	shadow_note_code(v->shadow, gla, cpu->cpl == 3);
	return !policy_asks_at(v, gla);
}

/* The monitor's caches by linear address: docs/memory.md lists them. page: NULL for all. */
static void translations_changed(struct vcpu *v, const gla_t *page)
{
	if (page) {
		shadow_invlpg(v->shadow, *page);
		shadow_desc_invalidate_page(&v->desc, *page);
	} else {
		shadow_paging_changed(v->shadow);
		shadow_desc_invalidate(&v->desc);
		if (v->loaded_on) {
			vcpu_load_root(v, v->view);
			shadow_flush_stale(v->shadow);
		}
	}
	vcpu_tell_mapping(v);
}

static void env_paging_changed(struct cpu *cpu, unsigned what)
{
	translations_changed(vcpu_of(cpu), NULL);
	shadow_flush_old(vcpu_of(cpu)->shadow, what != PAGING_CR3);
}

static void env_strict(struct cpu *cpu, unsigned rule, u32 number)
{
	struct vm *vm = vcpu_of(cpu)->vm;

	vm->strict.broken_by(vm, rule, number);
}

/* What the TLB of C finds by a walk: where strict rules are watched, all that uses what the guest
 * changed comes here with its state complete. */
static void env_walked(struct cpu *cpu, gla_t gla, unsigned access, const struct pagewalk *w)
{
	struct vcpu *v = vcpu_of(cpu);

	if (!v->vm->strict.broken_by || !shadow_uses_old(v->shadow, gla, access, w))
		return;
	shadow_old_told(v->shadow, gla);
	v->vm->strict.broken_by(v->vm, STRICT_tlb_invlpg, gla);
}

void vcpu_code_written(struct cpu *cpu, gpa_t gpa, u32 len)
{
	struct vcpu *v = vcpu_of(cpu);

	/* INS is the processor's write; DMA that an OUT has begun is not. */
	if (v->place == PLACE_TRANSLATOR && !cpu->mem->by_device && dbg_runs_into(cpu, gpa, len))
		v->vm->strict.broken_by(v->vm, STRICT_smc_jump, (u32)gpa);
}

static void env_invlpg(struct cpu *cpu, gla_t gla)
{
	translations_changed(vcpu_of(cpu), &gla);
}

static void env_watch_changed(struct cpu *cpu)
{
	vcpu_watch(vcpu_of(cpu), true);
}

static void env_tables_changed(struct cpu *cpu)
{
	struct vcpu *v = vcpu_of(cpu);

	shadow_desc_invalidate(&v->desc);
	vcpu_forget_segments(v);
}

static void env_control_changed(struct cpu *cpu)
{
	struct vcpu *v = vcpu_of(cpu);

	if (v->loaded_on)
		vcpu_load_control(v);
}

static void env_fpu_save(struct cpu *cpu)
{
	vcpu_fpu_access(vcpu_of(cpu), true);
}

static void env_fpu_load(struct cpu *cpu)
{
	vcpu_fpu_access(vcpu_of(cpu), false);
}

static void env_fpu_pointers(struct cpu *cpu, struct cpu_fpu_pointers *p, bool set)
{
	vcpu_fpu_pointers(vcpu_of(cpu), p, set);
}

static void env_fpu_error(struct cpu *cpu)
{
	board_fpu_error(vcpu_of(cpu)->vm->board);
}

static void env_cpuid(struct cpu *cpu, u32 leaf, u32 subleaf, u32 out[4])
{
	vm_cpuid(cpu, leaf, subleaf, board_has_apic(vcpu_of(cpu)->vm->board), out);
}

static u64 env_tsc(struct cpu *cpu)
{
	(void)cpu;
	return rdtsc();
}

static int env_msr_read(struct cpu *cpu, u32 index, u64 *value)
{
	return board_msr_read(vcpu_of(cpu)->vm->board, index, value);
}

static int env_msr_write(struct cpu *cpu, u32 index, u64 value)
{
	return board_msr_write(vcpu_of(cpu)->vm->board, index, value);
}

static void env_kill(struct cpu *cpu, const char *why)
{
	vm_kill(vcpu_of(cpu)->vm, "%s", why);
}

static void env_soft_int(struct cpu *cpu, u8 vector)
{
	idle_soft_int(vcpu_of(cpu), vector);
}

static bool env_want_leave(struct cpu *cpu)
{
	return raw_may_run(vcpu_of(cpu));
}

const struct cpu_env vcpu_env = {
	.io_read = env_io_read,
	.io_write = env_io_write,
	.io_read_many = env_io_read_many,
	.io_write_many = env_io_write_many,
	.intr_ack = env_intr_ack,
	.page_fault = env_page_fault,
	.paging_changed = env_paging_changed,
	.invlpg = env_invlpg,
	.walked = env_walked,
	.strict = env_strict,
	.watch_changed = env_watch_changed,
	.code_sought = env_code_sought,
	.code_found = env_code_found,
	.code_runs = env_code_runs,
	.tables_changed = env_tables_changed,
	.control_changed = env_control_changed,
	.fpu_save = env_fpu_save,
	.fpu_load = env_fpu_load,
	.fpu_pointers = env_fpu_pointers,
	.fpu_error = env_fpu_error,
	.cpuid = env_cpuid,
	.tsc = env_tsc,
	.msr_read = env_msr_read,
	.msr_write = env_msr_write,
	.kill = env_kill,
	.soft_int = env_soft_int,
	.want_leave = env_want_leave,
};
