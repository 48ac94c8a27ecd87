/* SPDX-License-Identifier: MIT */
/*
 * Life of a virtual CPU and its run loop. vcpu_run() is the table of contents of what a virtual CPU
 * does.
 */
#include "vmm/run/vcpu.h"

#include "arch/cpu/processor.h"
#include "arch/cpu/speculation.h"
#include "arch/cpu/fpu.h"
#include "arch/cpu/try.h"
#include "arch/cpu/xcr0.h"
#include "arch/cpu/gdt.h"
#include "arch/mem/kmap.h"
#include "arch/trap/trap.h"
#include "emu/cpu/semantics.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "kernel/time/clock.h"
#include "kernel/mem/page.h"
#include "vmm/raw/raw.h"
#include "vmm/run/sched.h"
#include "vmm/run/vcpu_memory.h"
#include "vmm/vm/vm.h"

#define CODE_CACHE_SIZE (5 * MiB) /* holds what a boot of Linux translates */
#define TABLE_ORDER	4u	  /* 64 KiB */

const char *const vcpu_place_name[PLACE_COUNT] = { "monitor", "translator", "recompiler", "raw3",
						   "raw1" };
const char *const raw_refusal_name[REFUSE_COUNT] = {
	"engine", "mode", "if",	  "flags", "stack16", "segment",
	"ring12", "wp",	  "flat", "smep",  "page",    "progress",
};
const char *const raw_exit_name[RAWEXIT_COUNT] = {
	"irq", "pf_guest", "pf_slow", "fetch", "softint", "sysenter",
	"gp",  "debug",	   "other",   "entry", "changed",
};

enum vcpu_place vcpu_account(struct vcpu *v, enum vcpu_place place)
{
	u64 now = rdtsc();
	enum vcpu_place before = v->place;

	v->stats.cycles[before] += now - v->place_since;
	v->vruntime += now - v->place_since;
	v->place_since = now;
	if (place == before)
		return before;
	v->stats.entries[place]++;
	if (place == PLACE_MONITOR)
		irqs_off_begin(now);
	else if (before == PLACE_MONITOR)
		irqs_off_end(v, now);
	v->place = place;
	return before;
}

static int create_tables(struct vcpu *v)
{
	v->gdt = page_alloc(TABLE_ORDER);
	v->ldt = page_alloc(TABLE_ORDER);
	if (!v->gdt || !v->ldt)
		return E_NOMEM;
	memset(v->gdt, 0, GDT_SIZE);
	memset(v->ldt, 0, GDT_SIZE);
	gdt_fill_monitor(v->gdt, percpu_this());
	gdt_fill_ldt(v->gdt, v->ldt);
	shadow_desc_init(&v->desc, &v->cpu, v->gdt, v->ldt);
	return 0;
}

static int create_recompiler(struct vcpu *v)
{
	struct recomp_config rc = { .cache_size = CODE_CACHE_SIZE,
				    .verify = v->vm->config.verify,
				    .poll_quiet = (const u8 *)v,
				    .poll_signal = (const u8 *)VCPU_POLL_TRAP };

	rc.cache_rx = kmap_code(rc.cache_size, &rc.cache_rw);
	if (!rc.cache_rx)
		return E_NOMEM;
	v->code_cache = rc.cache_rx;
	return recomp_create(&v->cpu, &rc);
}

int vcpu_create(struct vcpu *v, struct vm *vm, unsigned index)
{
	v->vm = vm;
	v->index = index;
	v->cpu.env = &vcpu_env;
	v->cpu.env_ctx = v;
	v->cpu.mem = &vm->mem;
	v->cpu.a20_mask = ~0ull;
	v->place_since = rdtsc();

	int err = create_recompiler(v);

	if (!err)
		err = create_tables(v);
	if (err)
		return err;
	v->shadow = shadow_create(&v->cpu, vcpu_shadow_host(v));
	if (!v->shadow)
		return E_NOMEM;
	vcpu_reset(v);
	vcpu_forget(v);
	return 0;
}

void vcpu_destroy(struct vcpu *v)
{
	vcpu_unload(v);
	percpu_this()->last_guest = NULL; /* the next VM may lie at the same address */
	if (v->shadow)
		shadow_destroy(v->shadow);
	if (v->cpu.recomp)
		recomp_destroy(&v->cpu);
	if (v->code_cache)
		kmap_code_free(v->code_cache, CODE_CACHE_SIZE);
	if (v->gdt && v->ldt)
		shadow_desc_destroy(&v->desc);
	if (v->gdt)
		page_free(v->gdt, TABLE_ORDER);
	if (v->ldt)
		page_free(v->ldt, TABLE_ORDER);
}

void vcpu_reset(struct vcpu *v)
{
	vcpu_unload(v);
	cpu_reset(&v->cpu);
	fpu_reset(v->cpu.fpu.image);
	shadow_desc_invalidate(&v->desc);
	v->must_progress = v->shutdown = false;
}

void vcpu_forget(struct vcpu *v)
{
	recomp_flush(v->cpu.recomp);
	shadow_paging_changed(v->shadow);
	shadow_flush(v->shadow);
}

/* --- Hardware state */

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

void vcpu_load_control(struct vcpu *v)
{
	const struct cpu *c = &v->cpu;
	u64 cr0 = (host_cr0 & ~(u64)CR0_GUEST) | (c->cr0 & CR0_GUEST);
	u64 cr4 = (host_cr4 & ~(u64)CR4_GUEST) | (c->cr4 & CR4_GUEST);

	if (c->msr.tsc_offset)
		cr4 |= CR4_TSD;
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

void vcpu_load_root(struct vcpu *v, enum shadow_view view)
{
	hpa_t root;

	if (view == v->view && v->root && shadow_is_current(v->shadow, view))
		return;
	root = shadow_root(v->shadow, view);
	if (view != v->view)
		v->stats.view_switches++;
	v->view = view;
	if (root == v->root)
		return;
	v->root = root;
	write_cr3(root);
	v->stats.cr3_loads++;
}

static void vcpu_load(struct vcpu *v)
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
	v->hw_sel = ~0ull;
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
	raw_clear_segments();
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

/* --- The run loop */

/* The recompiler has its turn, until raw code may run: true. Else *stop says what it came back for.
 */
static bool recompile(struct vcpu *v, enum vcpu_stop *stop)
{
	vcpu_account(v, PLACE_TRANSLATOR);
	irq_enable();
	speculation_enter_guest();
	enum recomp_exit e = recomp_run(&v->cpu);
	irq_disable();
	exit_trace_add(&v->trace, TRACE_RECOMPILER, (u8)e, v->cpu.eip, 0, v->place_since);
	*stop = e == RECOMP_SHUTDOWN ? VCPU_SHUTDOWN : VCPU_SLICE;
	/* An interrupt that came after the decision to leave was taken, a timer that fired, or a
	 * deadline that moved: the timer must be armed again before raw code runs, which it alone
	 * can stop. */
	if (e == RECOMP_LEAVE && !(v->cpu.events & CPU_EVENT_YIELD) && !sched_wanted())
		return true;
	vcpu_account(v, PLACE_MONITOR);
	return false;
}

/*
 * Runs one engine until it comes back, or the recompiler and then, because it asked raw_refused()
 * before it left, raw code. VCPU_SLICE: something else may want the processor, or the devices;
 * VCPU_AGAIN: only the engine has to change.
 */
static enum vcpu_stop run_engine(struct vcpu *v)
{
	enum raw_refusal why;
	enum vcpu_stop stop;

	if (raw_refused(v, &why)) {
		v->stats.refusals[why]++;
		if (!recompile(v, &stop))
			return stop;
	}
	raw_run(v);
	if (v->shutdown)
		return VCPU_SHUTDOWN;
	return v->raw_exit == RAWEXIT_IRQ || v->vm->request || v->cpu.halted ? VCPU_SLICE
									     : VCPU_AGAIN;
}

/* Engines take turns, at each system call at least, until one has to do with the world outside. */
static enum vcpu_stop run_engines(struct vcpu *v)
{
	enum vcpu_stop stop;

	do {
		enum cpu_result taken = cpu_take_events(&v->cpu);

		if (taken == CPU_SHUTDOWN || taken == CPU_HALT)
			return taken == CPU_HALT ? VCPU_SLICE : VCPU_SHUTDOWN;
		stop = run_engine(v);
		/* The timer may have fired when the engine was on its way out. It is armed anew by
		 * the caller only: another engine would run without it, for ever if it is raw code.
		 */
	} while (stop == VCPU_AGAIN && !sched_wanted());
	return stop;
}

enum vcpu_stop vcpu_run(struct vcpu *v, u64 slice_end)
{
	struct vm *vm = v->vm;

	if (!v->stats.slices++)
		v->stats.started_ns = clock_now();
	for (;;) {
		vm->deadline = board_run_timers(vm->board);
		vm_console_feed(vm);
		if (vm->request != VM_REQ_NONE || vm->state != VM_RUNNING)
			return VCPU_STOPPED;
		/* First, since nobody runs it again to find that out. */
		if (v->cpu.halted && !cpu_event_due(&v->cpu))
			return VCPU_HALTED;
		if (clock_now() >= slice_end || vm->console.blocked || vm_console_pending())
			return VCPU_SLICE;
		vcpu_load(v);
		sched_arm(v, slice_end);
		if (run_engines(v) == VCPU_SHUTDOWN)
			return VCPU_SHUTDOWN;
		vcpu_account(v, PLACE_MONITOR);
	}
}
