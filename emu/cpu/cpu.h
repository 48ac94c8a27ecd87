/* SPDX-License-Identifier: MIT */
/*
 * The virtual CPU: architectural state of one 32-bit x86 processor, as every engine (translated
 * code, raw execution, helpers, trap path) reads and writes it. Between two guest instructions, and
 * whenever C code that is not the translator's own looks at it, this struct is the truth and
 * complete.
 *
 * Invariants:
 *  - eflags never holds IF: vif does (0 or EFLAGS_IF), so that CLI and STI are one flag-free store.
 * Bit 1 is set. cpu_eflags()/cpu_set_eflags() convert to and from the architectural image.
 *  - cpl is the current privilege level: 0 in real mode, 3 in V86 mode, else SS.DPL.
 *  - seg[] holds the hidden parts; a null selector loaded in protected mode has SEG_ATTR_UNUSABLE.
 *  - translated code addresses the fields by offsetof (emu/cpu/), so any order works; hot ones come
 * first.
 */
#pragma once

#include "emu/cpu/softtlb_entry.h"
#include "emu/cpu/stop.h"
#include "kernel/base/types.h"
#include "kernel/hw/x86.h"

struct cpu;
struct cpu_env;
struct gpmem;
struct recomp;

enum cpu_reg { REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI };
enum cpu_seg {
	SEG_ES,
	SEG_CS,
	SEG_SS,
	SEG_DS,
	SEG_FS,
	SEG_GS,
	SEG_COUNT,
	SEG_TR = SEG_COUNT,
	SEG_LDTR
};

/* The flags that live in the host's EFLAGS while translated code runs. */
#define EFLAGS_ARITH \
	(EFLAGS_CF | EFLAGS_PF | EFLAGS_AF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF | EFLAGS_DF)

/*
 * Segment attributes: descriptor bits 40..47 and 52..55 moved together, plus one bit of our own.
 *
 *   15 14 13 12 | 11 .. 9 |  8   | 7 |  6  5 | 4 | 3 .. 0
 *    G  B/D L AVL|   -     |unus. | P |  DPL  | S | type
 */
#define SEG_ATTR_TYPE	  0x0fu
#define SEG_ATTR_ACCESSED 0x01u
#define SEG_ATTR_WRITE	  0x02u /* data: writable; code: readable */
#define SEG_ATTR_DOWN	  0x04u /* data: expand-down; code: conforming */
#define SEG_ATTR_CODE	  0x08u
#define SEG_ATTR_S	  0x10u
#define SEG_ATTR_DPL(a)	  (((a) >> 5) & 3u)
#define SEG_ATTR_DPL_MASK 0x60u
#define SEG_ATTR_P	  0x80u
#define SEG_ATTR_UNUSABLE 0x100u
#define SEG_ATTR_AVL	  0x1000u
#define SEG_ATTR_L	  0x2000u
#define SEG_ATTR_DB	  0x4000u
#define SEG_ATTR_G	  0x8000u

struct cpu_segment {
	u16 sel;
	u16 attr;
	u32 base;
	u32 limit; /* in bytes, granularity applied: the last valid offset (expand-down: the last
		      invalid one) */
};

static inline bool cpu_same_segment(const struct cpu_segment *a, const struct cpu_segment *b)
{
	u64 x, y;

	__builtin_memcpy(&x, a, 8);
	__builtin_memcpy(&y, b, 8);
	return x == y && a->limit == b->limit;
}

_Static_assert(offsetof(struct cpu_segment, limit) == 8, "compared as words");
_Static_assert(6 * sizeof(struct cpu_segment) == 9 * sizeof(u64), "compared as words");

/* All six at once; both are aligned to 8. */
static inline bool cpu_same_segments(const struct cpu_segment *a, const struct cpu_segment *b)
{
	const u64 *x = (const void *)a, *y = (const void *)b;
	u64 differ = 0;

#pragma GCC unroll 9
	for (unsigned i = 0; i < 9; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

struct cpu_table { /* GDTR, IDTR */
	u32 base;
	u16 limit;
};

/* What a helper or an engine step ended with. */
enum cpu_result {
	CPU_NEXT,  /* done, eip advanced past the instruction, mode unchanged: translated code may
		      fall through */
	CPU_JUMP,  /* done, but eip, mode or pending events changed: go through the dispatcher */
	CPU_FAULT, /* nothing changed; cpu->fault tells what to deliver */
	CPU_HALT,  /* HLT executed, eip advanced */
	CPU_SHUTDOWN, /* triple fault */
	CPU_RETRY, /* nothing changed for good; re-execute at cpu->eip (e.g. string I/O with events
		      pending) */
	CPU_STOP,  /* the debugger stops in front of the instruction at cpu->eip */
};

#define CPU_PATCHED 16u

/* cpu->events: reasons to leave translated code at the next poll. Set by cpu_signal(), from
 * interrupt handlers too. */
#define CPU_EVENT_INTR BIT(0) /* the interrupt line from the PIC or APIC is up (level) */
#define CPU_EVENT_NMI  BIT(1)
#define CPU_EVENT_YIELD \
	BIT(2) /* the monitor wants the machine back: time slice, console, pause \
		*/
#define CPU_EVENT_STOP \
	BIT(3) /* something was met that the debugger waits for: cpu->stops.stopped */

/* XSAVE/FXSAVE image; standard format, FXSAVE part first. Large enough for x87, SSE and AVX. */
struct cpu_fpu {
	u8 image[1088] __attribute__((aligned(64)));
};

/* Where the last x87 instruction and its operand were. */
struct cpu_fpu_pointers {
	u32 ip, data;
	u16 cs, ds;
};

struct cpu_msrs {
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 efer; /* only NXE is implemented */
	u64 pat;
	u64 tsc_offset; /* virtual TSC = real TSC + offset; RDTSC is native while it is 0 */
	u64 misc_enable;
	u64 mtrr_def_type, mtrr_fixed[11], mtrr_var[16];
	u64 apic_base;
	u64 kept[2]; /* of msr_table.c */
};

/* Cache of a segment load that passed all checks. The same selector and descriptor pass again at
 * the same CPL. */
struct cpu_load {
	u64 desc; /* accessed */
	struct cpu_segment s;
	u8 cpl;
};

/* The same for emu/trans/stub_segment.c, which does a load again without C: as long as *at is desc.
 */
struct cpu_again {
	u32 sel; /* CPU_NO_SELECTOR: none */
	struct cpu_segment s;
	u64 desc;
	const u8 *at; /* where the monitor has the descriptor */
	const u32 *thread_base;
};

#define CPU_NO_SELECTOR 0xffffffffu

/*
 * A load of DS or ES, for emu/trans/stub_reload.c, whatever it did to the mode: good at this level
 * while the tables are where they were (moves is table_moves), *at is desc, and lookup_tag is from.
 * Then it makes the mode key `key`, and the tag `to`.
 */
struct cpu_reload {
	u32 sel, cpl;
	struct cpu_segment s;
	u32 key;
	u64 desc;
	const u8 *at;
	u64 moves, from, to;
};

#define CPU_RELOADS 8u /* by bits 3 to 5 of the selector */

/* Eight bytes of the guest's tables as they were seen, and where the monitor has them. */
struct cpu_seen {
	const u8 *at;
	u64 is;
};

/*
 * The usual way from CPL 3 into the handler of a vector at CPL 0 (ring_change.c,
 * ring_change_other.c), and the usual IRET back (ring_change.c): good as long as the tables are
 * where they were (moves is table_moves) and their bytes what they were.
 */
struct cpu_way_in {
	u64 moves;
	u8 vector;
	bool soft;  /* INT n may go it */
	u8 size;    /* of the words it pushes */
	bool tss32; /* of ring_change_other.c's */
	u32 keep_if;
	u32 eip;
	const u8 *stack0; /* (E)SP0 and SS0 in the TSS */
	struct cpu_seen gate, code, stack;
	struct cpu_segment cs, ss;
} __attribute__((aligned(64)));

struct cpu_way_out {
	u64 moves;
	struct cpu_seen code, stack;
	struct cpu_segment cs, ss;
};

#define CPU_WAYS_IN 8u /* INT 80h, page faults and a system's timer share none */

/*
 * The linear pages that hold breakpoints which DR7 enables, of each kind the first n. No breakpoint
 * lies on two pages, since they are aligned to their size. Behind the guest's pages of data are
 * those of the debugger's watchpoints.
 */
struct cpu_watch {
	gla_t data[4 + CPU_STOP_PAGES], code[4];
	u8 datas, codes;
	u8 guests; /* of datas */
};

/* What the semantics ask of, and tell to, whoever runs the guest from translated code. */
struct cpu_code {
	/* The guest's EIP of an instruction, from the low half of the host's RIP. False: that lies
	 * nowhere in translated code. */
	bool (*guest_eip)(struct cpu *cpu, u32 rip, u32 *eip);
	/* cpu->watch.code is another. */
	void (*breakpoints_changed)(struct cpu *cpu);
	/* A stop of execution at this linear address was added or removed. */
	void (*stop_changed)(struct cpu *cpu, gla_t gla);
};

struct cpu {
	/* Hot: translated code touches these. */
	u32 gpr[8];
	u32 eip;
	u32 eflags; /* without IF */
	u32 vif;    /* 0 or EFLAGS_IF */
	/*
	 * While translated code runs: the flags that are neither arithmetic nor IF, with DF as it
	 * is in the host's flags; the same with OF set; and, for CLD and STD, with DF clear and
	 * set. Made from eflags at entry.
	 */
	u32 quiet_flags, quiet_flags_of;
	volatile u32 events;
	volatile u64 lookup_tag; /* what look-up entries must match; impossible while events are
				    pending */
	/* Up to the base of FS a byte of displacement is enough. */
	struct cpu_segment seg[SEG_COUNT] __attribute__((aligned(8)));
	u32 quiet_flags_df[2];
	/* Where translated code finds the bases of FS and GS; an address that faults for one that
	 * cannot be used so. */
	const u32 *thread_base[2];
	/* 1: an x87 instruction ran in translated code, so that FIP may lead into it. */
	u32 x87_ran;
	u32 shadow; /* nonzero: interrupts are held off for one instruction, CPU_SHADOW_* */
	/*
	 * Translated code polls by loading a byte through this pointer: it points at a readable
	 * byte, or, while events are pending, at an address that faults. See recomp_signal().
	 */
	const u8 *volatile poll;
	u64 lookup_table;
	struct cpu_segment mode_seg[SEG_COUNT]
		__attribute__((aligned(8))); /* what the recompiler's mode key was made of */
	struct cpu_again again[SEG_COUNT];
	struct cpu_reload reload[2][CPU_RELOADS]; /* ES, DS */
	gla_t slow_gla;				  /* where the operand in scratch lives */
	u32 device_calls; /* grows with the accesses that were calls of a device */
	u32 caught;	  /* and with those that were not plain: these calls, and watched pages */
	u8 scratch[64]
		__attribute__((aligned(64))); /* memory operands of instructions that C helps */
	u32 patched[CPU_PATCHED]; /* immediates that translated code has loaded (trans_check.c) */
	u8 cpl;

	/* Cold architectural state. */
	struct cpu_segment tr, ldtr;
	struct cpu_table gdtr, idtr;
	u32 cr0, cr2, cr3, cr4;
	u64 pdpte[4]; /* PAE: loaded at MOV CR3, as hardware does */
	u32 dr[8];    /* 0..3, 6, 7; cpu_debug_changed() after a change */
	struct cpu_watch watch;
	struct cpu_stops stops; /* the debugger's */
	/* DR6 bits of breakpoints met, or BT, whose #DB is owed at the next boundary. */
	u32 debug_hits;
	u64 xcr0;
	struct cpu_msrs msr;
	bool nmi_blocked;
	bool halted;
	u64 a20_mask; /* ANDed with guest-physical addresses: ~0 or ~BIT(20) */

	struct cpu_fault fault;

	struct cpu_fpu fpu; /* valid while the registers are not loaded in the real CPU */

	struct softtlb tlb;
	struct cpu_load last_load[SEG_COUNT];
	/* The last transfers of control to each level: its code, and its stack. */
	struct cpu_load last_code[4], last_stack[4];
	/* Counts what moves the tables: loads of GDTR, IDTR, LDTR and TR, and of their mapping;
	 * never 0 after cpu_reset(). */
	u64 table_moves;
	struct cpu_way_in way_in[CPU_WAYS_IN], way_other[CPU_WAYS_IN];
	struct cpu_way_out way_out;

	/* Attachments. */
	const struct cpu_env *env;
	void *env_ctx; /* the environment's own (the monitor's struct vcpu, the host test's machine)
			*/
	struct gpmem *mem;
	bool tells_ints;	       /* env->soft_int() is to be called */
	const struct cpu_model *model; /* what it is told to be; NULL: what the machine has */
	const struct cpu_code *code;   /* NULL: nothing is translated */
	struct recomp *recomp;	       /* its own */
};

#define CPU_SHADOW_STI	  1u /* after STI that set IF */
#define CPU_SHADOW_MOV_SS 2u /* after MOV SS or POP SS: debug traps are held off too */

static inline u32 cpu_eflags(const struct cpu *cpu)
{
	return cpu->eflags | cpu->vif;
}

static inline void cpu_set_eflags(struct cpu *cpu, u32 image)
{
	cpu->vif = image & EFLAGS_IF;
	cpu->eflags = (image & ~EFLAGS_IF & 0x003f7fd7u) | EFLAGS_ONE;
}

/* The one rule of what interrupts: an event that is taken at the next boundary which no shadow
 * covers, and that ends HLT. */
static inline bool cpu_event_due(const struct cpu *cpu)
{
	return (cpu->events & CPU_EVENT_NMI && !cpu->nmi_blocked) ||
	       (cpu->events & CPU_EVENT_INTR && cpu->vif);
}

/* SDM 1 14.3: VEX on vector registers is defined only so. */
static inline bool cpu_avx_enabled(const struct cpu *cpu)
{
	return (cpu->cr4 & CR4_OSXSAVE) && (cpu->xcr0 & 6) == 6;
}

static inline bool cpu_protected(const struct cpu *cpu)
{
	return cpu->cr0 & CR0_PE;
}

static inline bool cpu_v86(const struct cpu *cpu)
{
	return cpu->eflags & EFLAGS_VM;
}

static inline bool cpu_paging(const struct cpu *cpu)
{
	return cpu->cr0 & CR0_PG;
}

/* Records a fault and returns CPU_FAULT, so that a helper can say: return cpu_raise(cpu, VEC_GP,
 * sel & ~3). */
static inline enum cpu_result cpu_raise(struct cpu *cpu, u8 vector, u32 error)
{
	cpu->fault = (struct cpu_fault){ .vector = vector, .has_error = true, .error = error };
	return CPU_FAULT;
}

/* The same, for a rule of emu/dev/strict.def. */
static inline enum cpu_result cpu_raise_for(struct cpu *cpu, u8 vector, u32 error, unsigned rule)
{
	cpu->fault = (struct cpu_fault){
		.vector = vector, .has_error = true, .error = error, .rule = (u8)(rule + 1)
	};
	return CPU_FAULT;
}

static inline enum cpu_result cpu_raise_noerr(struct cpu *cpu, u8 vector)
{
	cpu->fault = (struct cpu_fault){ .vector = vector };
	return CPU_FAULT;
}

/* State after RESET (SDM 3A 9.1.1, table 9-1); attachments are kept. */
void cpu_reset(struct cpu *cpu);
/* After INIT: FPU, MSRs (but EFER), XCR0, and CR0.CD and NW stay as they are. So do cpu->events:
 * the INTR line is who drives it's. */
void cpu_init(struct cpu *cpu);
