/* SPDX-License-Identifier: MIT */
/*
 * What the virtual CPU needs of the world around it. The monitor (vmm/) and the host test machine
 * (tests/host/) each provide one constant table. No function here may block; all run with the
 * guest's state complete in struct cpu.
 */
#pragma once

#include "emu/cpu/cpu.h"

struct pagewalk;

#define ACCESS_READ  0u
#define ACCESS_WRITE BIT(0)
#define ACCESS_EXEC  BIT(1)
#define ACCESS_USER  BIT(2) /* rights are checked as for CPL 3 */

enum env_pf {
	ENV_PF_RESUME, /* mapped now: run the host instruction again */
	ENV_PF_FAULT,  /* the guest's fault: cpu->fault is filled in */
	ENV_PF_SLOW,   /* device memory or a watched page: execute this one instruction through the
			  accessors */
};

struct cpu_env {
	/* Ports. size 1, 2 or 4; unclaimed ports read as ones. */
	u32 (*io_read)(struct cpu *cpu, u16 port, unsigned size);
	void (*io_write)(struct cpu *cpu, u16 port, unsigned size, u32 value);
	/* The same up to n times at one port, for REP INS and OUTS: returns how many, at least one.
	 * NULL: one by one. */
	u32 (*io_read_many)(struct cpu *cpu, u16 port, unsigned size, void *to, u32 n);
	u32 (*io_write_many)(struct cpu *cpu, u16 port, unsigned size, const void *from, u32 n);

	/* Acknowledges the interrupt controller; returns the vector, or -1 when the line has
	 * dropped meanwhile. */
	int (*intr_ack)(struct cpu *cpu);

	/*
	 * A host #PF at a guest linear address, in translated code. access: ACCESS_* as the
	 * hardware reported it, USER by the virtual CPL.
	 */
	enum env_pf (*page_fault)(struct cpu *cpu, gla_t gla, unsigned access);

	/*
	 * CR0.PG/PE/WP, CR3, CR4.PSE/PAE/PGE or EFER.NXE were written. Called after cpu's fields
	 * hold the new values. what: PAGING_*. Called by cpu_translations_changed() only; whoever
	 * changes these registers or A20 behind the CPU's back calls that.
	 */
	void (*paging_changed)(struct cpu *cpu, unsigned what);
	void (*invlpg)(struct cpu *cpu, gla_t gla);
	/* A rule of emu/dev/strict.def was broken; with CPU_STRICT in cpu->stops.vectors only. */
	void (*strict)(struct cpu *cpu, unsigned rule, u32 number);
	/* A TLB of the C code that follows the tables has walked them for this access. w: where it
	 * leads; NULL: the access faults. NULL: nobody wants to know. */
	void (*walked)(struct cpu *cpu, gla_t gla, unsigned access, const struct pagewalk *w);

	/*
	 * Code of cpu->cpl is about to be looked for, by the number that recomp_set_mapping() was
	 * told for this level: now is the time to tell another.
	 */
	void (*code_sought)(struct cpu *cpu);

	/*
	 * Code at this linear address, the present CS:EIP's, is about to be found again without a
	 * page walk, until recomp_set_mapping() gives this level's mapping another number. False:
	 * want_leave() shall be asked each time that control comes to its page from another.
	 */
	bool (*code_found)(struct cpu *cpu, gla_t gla);

	/*
	 * Translated code runs from here on at cpu->cpl, or C does. The one place where what
	 * translated code can reach is made to be what its CPL may: whoever changed the CPL, the
	 * paging registers or the tables need not. C is not told of for an IRET to CPL 3 and the
	 * way from there to the caller of recomp_run(), which is short. Nor is it told of a change
	 * of level without paging, where all levels may reach the same: neither this,
	 * code_sought() nor want_leave() is asked there.
	 */
	void (*code_runs)(struct cpu *cpu, bool runs);

	/* GDTR, LDTR, IDTR or TR were loaded. */
	void (*tables_changed)(struct cpu *cpu);

	/* cpu->watch.data changed: from now on accesses to these pages, and to no others for its
	 * sake, are ENV_PF_SLOW. Or cpu->stops changed: no code runs but translated code on the
	 * pages of cpu_stops_on_page(). */
	void (*watch_changed)(struct cpu *cpu);

	/* CR0.TS/EM/MP/AM, CR4.OSFXSR/OSXMMEXCPT/OSXSAVE/TSD/DE, XCR0 or msr.tsc_offset changed:
	 * make the real CPU agree where it must. */
	void (*control_changed)(struct cpu *cpu);

	/* Puts the real FPU state into cpu->fpu (save), or cpu->fpu into the real FPU (load). On
	 * the host likewise. */
	void (*fpu_save)(struct cpu *cpu);
	void (*fpu_load)(struct cpu *cpu);

	/*
	 * Reads the real FPU's pointers, or sets them. XSAVE and FXSAVE need not have them: QEMU's
	 * TCG stores zeros.
	 */
	void (*fpu_pointers)(struct cpu *cpu, struct cpu_fpu_pointers *p, bool set);

	/* An x87 error with CR0.NE = 0: FERR# goes up, which a PC turns into IRQ 13. The real
	 * CR0.NE is 1 always. */
	void (*fpu_error)(struct cpu *cpu);

	/* The CPUID that this guest sees; out: EAX EBX ECX EDX. */
	void (*cpuid)(struct cpu *cpu, u32 leaf, u32 subleaf, u32 out[4]);
	u64 (*tsc)(struct cpu *cpu); /* the real one */

	/* MSRs of the machine around, IA32_APIC_BASE and what cpu/ does not know. Return 0, E_NOENT
	 * (nobody has it: cpu/ keeps IA32_APIC_BASE, the others are #GP), E_INVAL (#GP). */
	int (*msr_read)(struct cpu *cpu, u32 index, u64 *value);
	int (*msr_write)(struct cpu *cpu, u32 index, u64 value);

	/*
	 * This machine cannot go on; others can. Raises CPU_EVENT_YIELD and comes back: the caller
	 * returns an error or CPU_RETRY. The machine is ended when recomp_run() has returned.
	 */
	void (*kill)(struct cpu *cpu, const char *why);

	/* INT n is about to be executed in real or V86 mode; only with cpu->tells_ints. */
	void (*soft_int)(struct cpu *cpu, u8 vector);

	/*
	 * Asked by the dispatcher wherever it is in C with complete state (hash miss, after a far
	 * transfer, IRET, ...): should recomp_run() return RECOMP_LEAVE so that another engine runs
	 * from cpu->eip?
	 */
	bool (*want_leave)(struct cpu *cpu);
};

#define PAGING_CR0    BIT(0)
#define PAGING_CR3    BIT(1)
#define PAGING_CR4    BIT(2)
#define PAGING_EFER   BIT(3)
#define PAGING_A20    BIT(4)
#define PAGING_INVLPG BIT(5) /* of cpu_translations_changed(): one page */

/*
 * A program that has one environment only may name it when it compiles (-DCPU_ENV=name): the calls
 * are direct then. cpu->env must still point at it.
 */
#ifdef CPU_ENV
extern const struct cpu_env CPU_ENV;
static inline const struct cpu_env *cpu_env(const struct cpu *cpu)
{
	(void)cpu;
	return &CPU_ENV;
}
#else
static inline const struct cpu_env *cpu_env(const struct cpu *cpu)
{
	return cpu->env;
}
#endif

static inline void cpu_kill(struct cpu *cpu, const char *why)
{
	cpu_env(cpu)->kill(cpu, why);
}
