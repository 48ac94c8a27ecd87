/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU as the scheduler runs it: the architectural state (struct cpu), the shadow
 * structures under which it executes, the engine that runs it now, and the accounts of all of it.
 *
 * States of the processor (docs/engine.md): monitor, recompiler, raw ring 3, raw ring 1. Exactly
 * one vcpu is loaded on a real CPU at a time (percpu.vcpu): its GDT, LDT, CR3, FPU and control
 * registers are then in the hardware; see vcpu_load().
 */
#pragma once

#include "arch/cpu/percpu.h"
#include "arch/trap/trap.h"
#include "emu/cpu/cpu.h"
#include "emu/jit/recomp.h"
#include "vmm/load/config.h"
#include "vmm/state/exit_trace.h"
#include "vmm/mmu/shadow.h"
#include "vmm/mmu/shadow_desc.h"

struct vm;

/* Translator: the C of the recompiler, which finds and makes the code that runs in the place of
 * that name, and executes what that code does not, with the devices and tables behind it. */
enum vcpu_place {
	PLACE_MONITOR,
	PLACE_TRANSLATOR,
	PLACE_RECOMPILER,
	PLACE_RAW3,
	PLACE_RAW1,
	PLACE_COUNT
};

/* Between its turns: it wants the processor, which others have or its speed denies; it is halted or
 * dozes; it is paused, stopped, or being loaded. */
enum vcpu_away { AWAY_WAITING, AWAY_IDLE, AWAY_STANDING, AWAY_COUNT, AWAY_NOT = AWAY_COUNT };

/* Why raw execution was refused; counted once per decision. */
enum raw_refusal {
	REFUSE_ENGINE,	 /* the VM's engine setting, or the policy of `auto` */
	REFUSE_MODE,	 /* no protected mode, no paging, V86 */
	REFUSE_IF,	 /* virtual IF is 0, or an interrupt shadow */
	REFUSE_FLAGS,	 /* IOPL not 0, a #DB owed; ring 1: TF, an instruction breakpoint */
	REFUSE_STACK16,	 /* SS.B = 0 */
	REFUSE_SEGMENT,	 /* a segment's hidden part differs from its table entry */
	REFUSE_RING12,	 /* the guest has descriptors of DPL 1 or 2 */
	REFUSE_WP,	 /* CR0.WP = 0 */
	REFUSE_FLAT,	 /* CS or SS of ring 0 not flat 32-bit */
	REFUSE_SMEP,	 /* the real CPU has no SMEP */
	REFUSE_PAGE,	 /* the code page is not clean */
	REFUSE_PROGRESS, /* the recompiler has an instruction to finish first */
	REFUSE_DEBUGGER, /* the page has a stop of the debugger */
	REFUSE_DEVICE,	 /* the code works on a device's memory (vmm/raw/raw_device.h) */
	REFUSE_TABLES,	 /* large descriptor tables are not mirrored to their end yet */
	REFUSE_COUNT
};

struct vcpu_stats {
	u64 cycles[PLACE_COUNT];
	u64 entries[PLACE_COUNT];
	u64 away[AWAY_COUNT]; /* cycles; with those above, all since it was created */
	u64 refusals[REFUSE_COUNT];
	u64 raw_exits[RAWEXIT_COUNT];
	u64 pf_filled;	/* #PF of raw code resolved by a shadow fill, without leaving it */
	u64 code_traps; /* exceptions in translated code */
	u64 cr3_loads, view_switches, views_checked;
	u64 halts, interrupts, slices;
	u64 started_ns; /* on the monitor's clock: the first instruction */
	u64 late_ns;	/* at most that a slice lasted longer than it should have */
};

/* What stat has shown last, and when by the TSC. */
struct vcpu_seen {
	u64 tsc;
	struct vcpu_stats vcpu;
	struct recomp_stats recomp;
	struct shadow_stats shadow;
};

/* What `auto` has measured (vmm/run/policy.h). */
#define POLICY_PAGES 1024u

struct policy_page {
	u32 page;    /* eip >> 12 */
	u32 asked;   /* times since the last trial */
	u8 vain;     /* times in a row that translated code came here with interrupts off */
	u32 average; /* cycles of a stay, weighted 1/4 to the newest; 0: never tried */
};

struct policy {
	struct policy_page page[POLICY_PAGES];
	struct policy_page *staying; /* where the present stay began, NULL if at CPL 3 */
	u64 trials, long_stays;
};

/* Raw code's touches of device memory, by the TSC (vmm/raw/raw_device.h). */
struct raw_device {
	u64 since;   /* the first of those counted now */
	u64 until;   /* raw execution is refused until then; 0: it is not */
	u64 turns;   /* times that it was refused, for stat */
	u32 touches; /* counted */
};

/* With interrupts off. */
struct irqs_off {
	u64 cycles;	   /* TSC */
	u32 eip;	   /* the guest's, when it ended */
	const char *began; /* with what */
};

/* Of a program that waits by asking (vmm/run/idle.h). */
struct idle {
	bool on;    /* idle = detect */
	u64 last;   /* what the last question looked like */
	u32 same;   /* how many in a row looked like it */
	u32 writes; /* to ports, counted by who does them */
	u64 until;  /* dozes until then, on the monitor's clock; 0: does not */
	u64 dozes;  /* for stat */
};

struct vcpu {
	struct cpu cpu;
	struct vm *vm;
	unsigned index;

	struct shadow *shadow;
	struct shadow_host shadow_host;
	struct shadow_desc desc;
	void *code_cache;
	u64 *gdt, *ldt; /* 64 KiB each: the shadow tables that the real CPU uses */

	/* What the hardware holds while this vcpu is loaded. */
	struct percpu *loaded_on; /* NULL: nowhere */
	hpa_t root;
	enum shadow_view view;
	u64 hw_sel;    /* ES, DS, FS, GS as last loaded, from the low word up; ~0: unknown */
	bool hw_fresh; /* they are those of fresh[], from tables that have not changed since */

	/* Raw execution. */
	/* Segments found not stale, while desc.entries_written is fresh_written. */
	struct cpu_segment fresh[SEG_COUNT] __attribute__((aligned(8)));
	u64 fresh_written;
	u64 unwind_rsp;
	struct trap_frame entry; /* registers for the next raw entry */
	enum raw_exit raw_exit;
	u32 exit_eip, exit_detail; /* for the trace: where, vector << 24 | error */
	u64 entry_failures;	   /* IRETQ or a selector of the entry faulted */
	bool debug_loaded;	   /* DR0..DR3 and DR7 are the guest's */
	u32 late_hits;		   /* of them, seen in ring 0 (raw_debug.c) */
	/*
	 * The recompiler left by an IRET to CPL 3, and since then the program has run raw without a
	 * trap; in the end its INT n was delivered. So all else is as the recompiler left it.
	 */
	bool called;
	bool shutdown;	    /* a delivery ended in a triple fault */
	bool must_progress; /* the recompiler has to execute at least one instruction before the
			       next raw entry */

	/* For a debugger: so many instructions one by one, with no interrupt, before all else; and
	 * then on, or VCPU_DEBUGGER. */
	u32 steps;
	bool runs_on;

	struct policy policy; /* of `auto` */
	struct raw_device raw_device;
	u64 isolation_seen; /* what isolation_assert() has looked at: desc.entries_written + 1 */

	enum vcpu_place place;
	u64 place_since; /* TSC; between turns that it went away */
	enum vcpu_away away;
	u16 trapped; /* the vector of the last trap or interrupt, or IRQS_OFF_RUN_LOOP */
	struct irqs_off irqs_off;
	struct idle idle;
	struct vcpu_stats stats;
	struct vcpu_seen seen;
	struct vcpu_stats topped; /* at the last top */
	struct exit_trace trace;
};

/* What the segment registers hold is not what the tables say, or unknown: they are loaded again. */
static inline void vcpu_forget_segments(struct vcpu *v)
{
	v->hw_sel = ~0ull;
	v->hw_fresh = false;
}

/* Why an engine, or vcpu_run(), came back. */
enum vcpu_stop {
	VCPU_AGAIN,  /* an engine only: choose anew */
	VCPU_YIELDS, /* an engine only: the preferred one has been asked, and may run */
	VCPU_SLICE,  /* time is up, or something else wants the processor */
	VCPU_HALTED, /* HLT: idle until an interrupt */
	VCPU_SHUTDOWN,
	VCPU_STOPPED,  /* the VM is no longer in the running state (power-off, pause, reset) */
	VCPU_DEBUGGER, /* it has met what a debugger waits for, or stepped */
};
