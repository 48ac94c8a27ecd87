/* SPDX-License-Identifier: MIT */
/*
 * Moves a virtual CPU's state into the real processor and back. Loads are made only where the value
 * differs or may fault.
 */
#include "vmm/state/vcpu_load.h"

#include "arch/cpu/fpu.h"
#include "arch/cpu/gdt.h"
#include "arch/cpu/processor.h"
#include "arch/cpu/speculation.h"
#include "arch/cpu/try.h"
#include "arch/cpu/xcr0.h"
#include "arch/mem/kmap.h"
#include "emu/cpu/cpu_model.h"
#include "emu/cpu/semantics.h"
#include "kernel/base/count.h"
#include "kernel/base/log.h"
#include "vmm/state/view_check.h"
#include "vmm/state/vm.h"

#define CR0_GUEST (CR0_TS | CR0_EM | CR0_MP | CR0_AM)
#define CR4_GUEST (CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE | CR4_TSD | CR4_DE)

static u64 host_cr0, host_cr4; /* the monitor's own, read at the first load */

static void restore_control(void)
{
	if (read_cr0() != host_cr0)
		write_cr0(host_cr0);
	if (read_cr4() != host_cr4)
		write_cr4(host_cr4);
	if (cpu_features.xsave)
		xcr0_load(cpu_features.xcr0_supported);
}

/*
 * A model without SSE: where programs are told that by CPUID, too, they get #UD. (Where they see
 * the machine's own CPUID they may use what it tells, and FXSAVE saves it.)
 */
static bool bars_sse(const struct cpu *c)
{
	return c->model && !(c->model->edx & CPUID_SSE) && cpu_features.cpuid_faulting;
}

void vcpu_load_control(struct vcpu *v)
{
	const struct cpu *c = &v->cpu;
	u64 cr0 = (host_cr0 & ~(u64)CR0_GUEST) | (c->cr0 & CR0_GUEST);
	u64 cr4 = (host_cr4 & ~(u64)CR4_GUEST) | (c->cr4 & CR4_GUEST);

	if (c->msr.tsc_offset)
		cr4 |= CR4_TSD;
	if (bars_sse(c))
		cr4 &= ~(u64)(CR4_OSFXSR | CR4_OSXMMEXCPT);
	if ((cr0 != read_cr0() && TRAP_TRY("mov %[v], %%cr0", [v] "r"(cr0))) ||
	    (cr4 != read_cr4() && TRAP_TRY("mov %[v], %%cr4", [v] "r"(cr4))) ||
	    (cpu_features.xsave && (cr4 & CR4_OSXSAVE) && xcr0_load(c->xcr0 | 1)))
		vm_kill(v->vm, "the processor refuses CR0 %llx, CR4 %llx or XCR0 %llx",
			(unsigned long long)cr0, (unsigned long long)cr4,
			(unsigned long long)c->xcr0);
}

static void load_fpu(struct vcpu *v)
{
	if (!fpu_load(v->cpu.fpu.image))
		return;
	vm_kill(v->vm, "the processor refuses its FPU state");
	fpu_reset(v->cpu.fpu.image);
	fpu_load(v->cpu.fpu.image);
}

void vcpu_change_root(struct vcpu *v, enum shadow_view view)
{
	hpa_t root;

	v->called = false;
	root = shadow_root(v->shadow, view);
	if (view != v->view)
		COUNT(v->stats.view_switches);
	v->view = view;
	view_check(v);
	if (root == v->root)
		return;
	v->root = root;
	write_cr3(root);
	COUNT(v->stats.cr3_loads);
}

void vcpu_load(struct vcpu *v)
{
	struct percpu *pc = percpu_this();

	if (v->loaded_on == pc)
		return;
	if (pc->vcpu)
		vcpu_unload(pc->vcpu);
	if (!host_cr0) {
		host_cr0 = read_cr0();
		host_cr4 = read_cr4();
	}
	pc->vcpu = v;
	v->loaded_on = pc;
	if (pc->last_guest != v->vm)
		speculation_new_guest();
	pc->last_guest = v->vm;
	fpu_forget();
	load_fpu(v);
	gdt_fill_monitor(v->gdt, pc);
	gdt_load(pc, v->gdt);
	gdt_load_ldt();
	vcpu_forget_segments(v);
	vcpu_load_control(v);
	vcpu_load_root(v, VIEW_KERNEL);
}

void vcpu_unload(struct vcpu *v)
{
	struct percpu *pc = v->loaded_on;

	if (!pc)
		return;
	cpu_own_fpu_pointers(&v->cpu);
	restore_control();
	fpu_save(v->cpu.fpu.image);
	write_cr3(kmap_monitor_root());
	v->root = 0;
	/* Guest selectors name entries of the table that goes away. */
	gdt_clear_segments();
	gdt_load(pc, gdt_monitor());
	v->loaded_on = NULL;
	pc->vcpu = NULL;
}

/* The FPU's registers hold the guest's state while v is loaded; images are made with the monitor's
 * own control registers. */
void vcpu_fpu_access(struct vcpu *v, bool save)
{
	if (!v->loaded_on)
		return;
	restore_control();
	if (save)
		fpu_save(v->cpu.fpu.image);
	else
		load_fpu(v);
	vcpu_load_control(v);
}

void vcpu_fpu_pointers(struct vcpu *v, struct cpu_fpu_pointers *p, bool set)
{
	struct fpu_x87_image x87;

	ASSERT(v->loaded_on); /* vcpu_unload() leaves none of translated code's */
	restore_control();
	if (set) {
		fpu_save_x87(&x87);
		x87.ip = p->ip;
		x87.cs = p->cs;
		x87.data = p->data;
		x87.ds = p->ds;
		fpu_load_x87(&x87);
	} else {
		fpu_peek_x87(&x87);
		*p = (struct cpu_fpu_pointers){ x87.ip, x87.data, x87.cs, x87.ds };
	}
	vcpu_load_control(v);
}
