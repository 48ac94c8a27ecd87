/* SPDX-License-Identifier: MIT */
/*
 * Raw execution. The header tells the parts; docs/raw.md tells why each condition is there.
 */
#include "vmm/raw/raw.h"

#include "arch/cpu/processor.h"
#include "arch/cpu/gdt.h"
#include "arch/cpu/tss.h"
#include "emu/jit/recomp.h"
#include "emu/cpu/semantics.h"
#include "kernel/base/count.h"
#include "kernel/base/log.h"
#include "kernel/base/string.h"
#include "vmm/raw/isolation.h"
#include "vmm/raw/raw_asm.h"
#include "vmm/raw/raw_debug.h"
#include "vmm/raw/raw_device.h"
#include "vmm/raw/raw_stay.h"
#include "vmm/state/account.h"
#include "vmm/state/vcpu_load.h"
#include "vmm/state/view_check.h"
#include "vmm/state/vm.h"

/* --- 1. Which pages */

/* In the monitor's own place interrupts are off. A page that is not known yet is looked at when the
 * recompiler, which gets it then, asks the next time. */
bool raw_code_clean(struct vcpu *v, gla_t gla)
{
	return v->place == PLACE_MONITOR ? raw_page_known_clean(&v->vm->raw_pages, &v->cpu, gla)
					 : raw_page_clean(&v->vm->raw_pages, &v->cpu, gla);
}

/* --- 2. In */

static u16 raw_selector(const struct cpu *c, enum cpu_seg s)
{
	u16 sel = c->seg[s].sel;

	return c->cpl == 0 ? sel | 1 : sel;
}

/* As struct vcpu's hw_sel. */
static u64 data_selectors(const struct cpu *c)
{
	return c->seg[SEG_ES].sel | (u32)c->seg[SEG_DS].sel << 16 | (u64)c->seg[SEG_FS].sel << 32 |
	       (u64)c->seg[SEG_GS].sel << 48;
}

/* The CPU's segments are fresh[]: raw_may_run() has said so. */
static void load_segments(struct vcpu *v)
{
	u64 want = data_selectors(&v->cpu);

	if (want != v->hw_sel) {
		v->hw_sel = want;
		raw_load_segments(want);
	}
	v->hw_fresh = true;
}

static void enter(struct vcpu *v)
{
	raw_enter(&v->entry, v->cpu.gpr, &v->unwind_rsp,
		  (u8 *)percpu_this()->tss + offsetof(struct tss, rsp));
}

static void trace(struct vcpu *v, enum exit_trace_kind kind)
{
	exit_trace_add(&v->trace, (u8)kind, (u8)v->raw_exit, v->exit_eip, v->exit_detail,
		       v->place_since);
}

static void stay_in_ring3(struct vcpu *v)
{
	vcpu_account(v, PLACE_RAW3);
	raw_debug_begin(v);
	enter(v);
	raw_debug_end(v);
	trace(v, TRACE_RAW3);
}

static void stay_in_ring1(struct vcpu *v)
{
	u64 before = v->stats.cycles[PLACE_RAW1];

	v->called = false;
	vcpu_account(v, PLACE_RAW1);
	raw_stay_begins(v);
	enter(v);
	trace(v, TRACE_RAW1);
	raw_stay_ended(v, v->stats.cycles[PLACE_RAW1] - before);
}

enum vcpu_stop raw_run(struct vcpu *v)
{
	struct cpu *c = &v->cpu;
	struct trap_frame *f = &v->entry;

	cpu_own_fpu_pointers(c);
	f->rip = c->eip;
	f->cs = raw_selector(c, SEG_CS);
	f->ss = raw_selector(c, SEG_SS);
	f->rsp = c->gpr[REG_ESP];
	f->rflags = (c->eflags & ~(u32)EFLAGS_VM) | EFLAGS_IF;
	vcpu_load_root(v, VIEW_KERNEL);
	v->raw_exit = RAWEXIT_ENTRY;
	if (!v->hw_fresh)
		load_segments(v);
	isolation_assert(v);
	if (v->vm->request) /* vm_kill() on the way here */
		return VCPU_SLICE;
	if (c->cpl == 3)
		stay_in_ring3(v);
	else
		stay_in_ring1(v);
	COUNT(v->stats.raw_exits[v->raw_exit]);
	if (v->shutdown)
		return VCPU_SHUTDOWN;
	return v->raw_exit == RAWEXIT_IRQ || v->vm->request || c->halted ? VCPU_SLICE : VCPU_AGAIN;
}

static void to_unwind(const struct vcpu *v, struct trap_frame *f)
{
	f->gpr[7] = v->unwind_rsp;
	f->rip = (u64)raw_unwind;
}

/* The frame passed check_frame() and raw code ran with its selectors: the processor below errs. */
static bool resume_failed(struct vcpu *v, struct trap_frame *f)
{
	if (f->rip != (u64)trap_return_iret || !v ||
	    (v->place != PLACE_RAW1 && v->place != PLACE_RAW3))
		return false;
	vm_kill(v->vm, "the processor does not resume raw code: %s, error %llx",
		trap_name(f->vector), (unsigned long long)f->error);
	vcpu_forget_segments(v);
	to_unwind(v, f);
	return true;
}

bool raw_entry_failed(struct vcpu *v, struct trap_frame *frame)
{
	if (resume_failed(v, frame))
		return true;
	if (frame->rip < (u64)raw_entry_begin || frame->rip >= (u64)raw_entry_end || !v)
		return false;
	if (!v->entry_failures++) /* one line, however often a guest brings it about */
		log_warn("%s: raw entry failed: vector %llu error %llx cs %llx ss %llx",
			 v->vm->config.name, (unsigned long long)frame->vector,
			 (unsigned long long)frame->error, (unsigned long long)v->entry.cs,
			 (unsigned long long)v->entry.ss);
	v->must_progress = true;
	vcpu_forget_segments(v);
	if (frame->rip == (u64)raw_entry_begin) {
		to_unwind(v, frame);
		return true;
	}
	/* A data selector: raw_load_segments() goes on with a null one; the guest code that uses it
	 * comes back as #GP. */
	frame->gpr[0] = 0;
	return true;
}

/* --- 3. Out */

static u16 guest_selector(u64 sel)
{
	return (u16)((sel & 3) == 1 ? sel & ~3ull : sel);
}

static void save_segment(struct vcpu *v, enum cpu_seg s, u16 sel)
{
	struct cpu_segment *seg = &v->cpu.seg[s];

	if (sel == seg->sel)
		return;
	if (sel < 4)
		*seg = (struct cpu_segment){ .sel = sel, .attr = SEG_ATTR_UNUSABLE };
	else
		shadow_desc_lookup(&v->desc, sel, seg);
}

/* Kept out of the usual way, which then saves no registers for it. */
static __attribute__((noinline)) void save_segments(struct vcpu *v, const struct trap_frame *f,
						    u64 data)
{
	v->cpu.cpl = (f->cs & 3) == 3 ? 3 : 0;
	v->hw_sel = data;
	v->hw_fresh = false;
	save_segment(v, SEG_CS, guest_selector(f->cs));
	save_segment(v, SEG_SS, guest_selector(f->ss));
	if (data == data_selectors(&v->cpu))
		return;
	save_segment(v, SEG_ES, (u16)data);
	save_segment(v, SEG_DS, (u16)(data >> 16));
	save_segment(v, SEG_FS, (u16)(data >> 32));
	save_segment(v, SEG_GS, (u16)(data >> 48));
}

#define RAW_FLAGS (EFLAGS_ARITH | EFLAGS_NT | EFLAGS_AC | EFLAGS_ID | EFLAGS_RF | EFLAGS_TF)

/* True: its segments are those that it was entered with. */
static inline __attribute__((always_inline)) bool save(struct vcpu *v, const struct trap_frame *f)
{
	struct cpu *c = &v->cpu;
	u64 data = raw_read_segments();

	v->exit_eip = (u32)f->rip;
	v->exit_detail = (u32)f->vector << 24 | (u32)(f->error & 0xffffff);

#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		if (i != REG_ESP)
			c->gpr[i] = (u32)f->gpr[i];
	c->gpr[REG_ESP] = (u32)f->rsp;
	c->eip = (u32)f->rip;
	c->eflags = ((u32)f->rflags & RAW_FLAGS) | (c->eflags & ~(u32)RAW_FLAGS) | EFLAGS_ONE;
	c->vif = EFLAGS_IF;
	if (f->cs == v->entry.cs && f->ss == v->entry.ss && data == v->hw_sel)
		return true;
	save_segments(v, f, data);
	return false;
}

static __attribute__((noinline)) void save_state(struct vcpu *v, const struct trap_frame *f)
{
	save(v, f);
}

#define BEFORE	     7u /* bytes: the longest MOV SS without prefixes */
#define IS_MOV_SS(b) ((b)[0] == 0x8e && ((b)[1] & 0x38) == 0x10)
#define POP_SS	     0x17

/*
 * Is the next instruction behind MOV SS or POP SS, or what looks like them? A trap of that
 * instruction, or an interrupt when a fill has resumed it, comes out of raw code in the middle of
 * their shadow.
 */
static bool maybe_behind_mov_ss(struct cpu *c)
{
	gla_t at = c->seg[SEG_CS].base + c->eip;
	unsigned access = ACCESS_EXEC | (c->cpl == 3 ? ACCESS_USER : 0), n = BEFORE,
		 here = at & (PAGE_SIZE - 1); /* bytes on its own page */
	u8 code[BEFORE] = { 0 };
	struct pagewalk w;

	/* Of the page in front nothing has run if it is absent, or a device's. */
	if (here < BEFORE &&
	    (cpu_probe(c, at - BEFORE, access, &w) || !gpmem_ptr(c->mem, w.gpa & PAGE_MASK, false)))
		n = here;
	if (n && cpu_lin_read(c, at - n, code + BEFORE - n, n, access) != CPU_NEXT)
		return false;
	for (unsigned i = 0; i + 1 < BEFORE; i++)
		if (IS_MOV_SS(code + i))
			return true;
	return code[BEFORE - 1] == POP_SS;
}

/* Interrupts wait for one instruction, which they may anywhere (SDM 3A 6.8.3). */
static void hold_interrupts(struct cpu *c)
{
	if (maybe_behind_mov_ss(c))
		c->shadow = CPU_SHADOW_STI;
}

/* An NMI is left by its own IRETQ, which lets the next one in. */
static void leave(struct vcpu *v, struct trap_frame *f, enum raw_exit why)
	__attribute__((noreturn));
static void leave(struct vcpu *v, struct trap_frame *f, enum raw_exit why)
{
	vcpu_account(v, PLACE_MONITOR);
	v->raw_exit = why;
	if (f->vector != VEC_NMI)
		raw_unwind(v->unwind_rsp);
	to_unwind(v, f);
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA64;
	f->rsp = v->unwind_rsp;
	f->rflags = EFLAGS_ONE;
	trap_return(f);
}

static void leave_saved(struct vcpu *v, struct trap_frame *f, enum raw_exit why)
	__attribute__((noreturn));
static void leave_saved(struct vcpu *v, struct trap_frame *f, enum raw_exit why)
{
	save_state(v, f);
	hold_interrupts(&v->cpu);
	leave(v, f, why);
}

/*
 * QEMU's TCG (7.2) pushes with the flags what CMPXCHG8B has left there of an operand. VM and IOPL
 * are such bits where CS and SS are those that raw code was entered with. If they are not, no harm
 * is done: the code goes on in its own ring.
 */
static void drop_stray_flags(const struct vcpu *v, struct trap_frame *f)
{
	if ((f->rflags & (EFLAGS_VM | EFLAGS_IOPL)) && f->cs == v->entry.cs && f->ss == v->entry.ss)
		f->rflags &= ~(u64)(EFLAGS_VM | EFLAGS_IOPL);
}

/* What raw code cannot do to itself on a processor that keeps to its manual; NULL: all is well. */
static const char *impossible(const struct vcpu *v, const struct trap_frame *f)
{
	if (f->rflags & EFLAGS_VM)
		return "virtual-8086 mode in long mode";
	if (!(f->rflags & EFLAGS_IF))
		return "interrupts off in an outer ring";
	if (f->rflags & EFLAGS_IOPL)
		return "an IOPL that ring 0 did not load";
	if ((f->cs & 3) == 2 || (f->cs & 3) < (v->entry.cs & 3))
		return "an inner ring without a gate";
	return NULL;
}

/*
 * Every trap and interrupt of raw code comes here first. Its state is nobody's then: in the case of
 * V86 mode the selectors and the stack pointer that it had are lost.
 */
static __attribute__((noinline)) void check_strange_frame(struct vcpu *v, struct trap_frame *f)
{
	const char *what;

	drop_stray_flags(v, f);
	what = impossible(v, f);
	if (!what)
		return;
	v->exit_eip = (u32)f->rip;
	vcpu_forget_segments(v);
	vm_kill(v->vm, "the processor errs: %s, at %llx", what, (unsigned long long)f->rip);
	leave(v, f, RAWEXIT_OTHER);
}

static void check_frame(struct vcpu *v, struct trap_frame *f)
{
	if ((f->rflags & (EFLAGS_VM | EFLAGS_IF | EFLAGS_IOPL)) != EFLAGS_IF ||
	    f->cs != v->entry.cs)
		check_strange_frame(v, f);
}

/*
 * Before raw code is resumed where it was: what raw_may_run() asked at its entry and it can change
 * by itself. SS may name a 16-bit segment now, to which IRETQ loads SP only and leaves the
 * monitor's RSP above it; CS another code segment; POPF in ring 1 may have set TF.
 */
static void check_resume(struct vcpu *v, struct trap_frame *f)
{
	v->called = false;
	if (v->vm->request) /* vm_kill() */
		leave_saved(v, f, RAWEXIT_OTHER);
	if (f->cs != v->entry.cs || f->ss != v->entry.ss ||
	    ((f->rflags & EFLAGS_TF) && (f->cs & 3) != 3))
		leave_saved(v, f, RAWEXIT_CHANGED);
}

/* A #DB that MOV SS held off is owed behind the instruction that trapped. */
static void check_debug(struct vcpu *v, struct trap_frame *f)
{
	if (!raw_debug_owes(v))
		return;
	save_state(v, f);
	raw_debug_take(v);
	leave(v, f, RAWEXIT_DEBUG);
}

void raw_interrupted(struct vcpu *v, struct trap_frame *frame, bool wanted)
{
	check_frame(v, frame);
	check_debug(v, frame);
	if (wanted)
		leave_saved(v, frame, RAWEXIT_IRQ);
	check_resume(v, frame);
}

/*
 * INT n arrives as #GP because no gate has DPL 3; so do INT3 and INTO. Only the plain two bytes are
 * taken here; all else (prefixes, page faults on the code bytes) goes the general way. The error
 * code says vector * 8 + 2 (SDM 3A 6.13), in QEMU's long mode vector * 16 + 2.
 */
static bool is_int(const struct trap_frame *f, const u8 code[2])
{
	return code[0] == 0xcd && (f->error == code[1] * 8u + 2 || f->error == code[1] * 16u + 2);
}

/* A program's system call: most of what leaves raw code. */
static bool program_calls(struct cpu *c, const struct trap_frame *f)
{
	const u8 *code =
		cpu_lin_direct(c, c->seg[SEG_CS].base + c->eip, 2, ACCESS_EXEC | ACCESS_USER);

	if (!code || !is_int(f, code))
		return false;
	c->eip += 2;
	if (cpu_deliver_int(c, code[1]))
		return true;
	c->eip -= 2;
	return false;
}

/* Any other. One meaning: cpu_deliver() checks the guest's own gate. */
static bool soft_int(struct vcpu *v, const struct trap_frame *f)
{
	struct cpu *c = &v->cpu;
	u32 eip = c->eip;
	u8 code[2];

	if (cpu_lin_read(c, c->seg[SEG_CS].base + eip, code, 2,
			 ACCESS_EXEC | (c->cpl == 3 ? ACCESS_USER : 0)) != CPU_NEXT ||
	    !is_int(f, code))
		return false;
	c->eip += 2;
	switch (cpu_deliver(c, code[1], EVENT_SOFT_INT, false, 0)) {
	case CPU_JUMP:
		return true;
	case CPU_SHUTDOWN:
		v->shutdown = true;
		return true;
	default:
		if (!c->fault.at_target) {
			c->eip = eip;
			return false;
		}
		v->shutdown = cpu_deliver_fault(c) == CPU_SHUTDOWN; /* the new task's */
		return true;
	}
}

static bool sysenter(struct vcpu *v)
{
	static const struct insn insn = { .op = OP_SYSENTER, .len = 2, .osize = 4, .asize = 4 };
	struct cpu *c = &v->cpu;
	u8 code[2];

	if (cpu_lin_read(c, c->seg[SEG_CS].base + c->eip, code, 2,
			 ACCESS_EXEC | (c->cpl == 3 ? ACCESS_USER : 0)) != CPU_NEXT)
		return false;
	if (code[0] != 0x0f || code[1] != 0x34 || cpu_hard_exec(c, &insn) != CPU_JUMP)
		return false;
	if (c->eflags & EFLAGS_TF) /* which it leaves alone: a step is done */
		c->debug_hits |= DR6_BS;
	return true;
}

static void note_device(struct vcpu *v, gla_t gla, unsigned access)
{
	const struct softtlb_entry *e = cpu_translate(&v->cpu, gla, access);

	if (e && (e->calls & BIT(access)))
		raw_device_touched(v);
}

static void page_fault(struct vcpu *v, struct trap_frame *f)
{
	struct cpu *c = &v->cpu;
	gla_t gla = (gla_t)read_cr2();
	bool ring3 = (f->cs & 3) == 3;
	unsigned access = (f->error & 2 ? ACCESS_WRITE : 0) | (f->error & 16 ? ACCESS_EXEC : 0) |
			  (ring3 ? ACCESS_USER : 0);

	if (read_cr2() >> 32 == 1 && shadow_use_alias(v->shadow))
		return;
	/* The page is NX for ring 1 until it is known to be clean. */
	if ((access & ACCESS_EXEC) && !ring3) {
		c->eip = (u32)f->rip; /* the entry seen */
		if (!raw_code_clean(v, gla)) {
			v->must_progress = true;
			leave_saved(v, f, RAWEXIT_FETCH);
		}
	}
	switch (shadow_fault(v->shadow, gla, access)) {
	case ENV_PF_RESUME:
		view_check(v);
		COUNT(v->stats.pf_filled);
		return;
	case ENV_PF_SLOW:
		c->eip = (u32)f->rip; /* who looks may tell of it */
		note_device(v, gla, access);
		v->must_progress = true;
		leave_saved(v, f, access & ACCESS_EXEC ? RAWEXIT_FETCH : RAWEXIT_PF_SLOW);
	case ENV_PF_FAULT:
		save_state(v, f);
		v->raw_exit = RAWEXIT_PF_GUEST;
		if (cpu_deliver_fault(c) == CPU_SHUTDOWN)
			v->shutdown = true;
		raw_unwind(v->unwind_rsp);
	}
}

/* Its state is saved. */
static void other_trap(struct vcpu *v, struct trap_frame *f)
{
	v->raw_exit = f->vector == VEC_GP   ? RAWEXIT_GP
		      : f->vector == VEC_DB ? RAWEXIT_DEBUG
					    : RAWEXIT_OTHER;
	if (f->vector == VEC_DB)
		raw_debug_trap(v);
	else if (f->vector == VEC_GP && (f->error & 2) && soft_int(v, f))
		v->raw_exit = RAWEXIT_SOFTINT;
	else if (((f->vector == VEC_GP && f->error == 0) || f->vector == VEC_UD) && sysenter(v))
		v->raw_exit = RAWEXIT_SYSENTER;
	else { /* the recompiler meets the same trap, with exact state, or executes it */
		hold_interrupts(&v->cpu);
		v->must_progress = true;
	}
	raw_unwind(v->unwind_rsp);
}

/* The stack that raw_unwind() would return to is another's by now. */
static void nobody_runs(const struct trap_frame *frame) __attribute__((noreturn, cold));
static void nobody_runs(const struct trap_frame *frame)
{
	panic("guest code traps, but none runs raw: vector %llu cs %llx rip %llx flags %llx",
	      (unsigned long long)frame->vector, (unsigned long long)frame->cs,
	      (unsigned long long)frame->rip, (unsigned long long)frame->rflags);
}

/* What is no program's system call. */
static __attribute__((noinline)) void trap(struct vcpu *v, struct trap_frame *f)
{
	/* Faults save RF, so that the instruction's breakpoint is not met again (SDM 3B 17.3.1.1);
	 * QEMU's TCG does not. */
	if (v->debug_loaded && f->vector != VEC_DB && f->vector != VEC_NMI)
		f->rflags |= EFLAGS_RF;
	if (f->vector == VEC_PF) {
		page_fault(v, f);
	} else if (f->vector != VEC_NMI) { /* which is the monitor's */
		save_state(v, f);
		other_trap(v, f);
	}
	check_resume(v, f);
}

void raw_trap(struct percpu *pc, struct trap_frame *f)
{
	struct vcpu *v = pc->vcpu;
	enum vcpu_place from = vcpu_account(v, PLACE_MONITOR);

	if (from != PLACE_RAW1 && from != PLACE_RAW3)
		nobody_runs(f);
	v->trapped = (u16)f->vector;
	check_frame(v, f);
	check_debug(v, f);
	if (f->vector == VEC_GP && (f->error & 2) && !v->debug_loaded) {
		v->called = save(v, f) && v->called;
		if (program_calls(&v->cpu, f)) {
			v->raw_exit = RAWEXIT_SOFTINT;
			raw_unwind(v->unwind_rsp);
		}
	}
	v->called = false;
	trap(v, f);
	vcpu_account(v, from);
}
