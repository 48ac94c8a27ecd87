/* SPDX-License-Identifier: MIT */
/*
 * The recompiler: translates 16- and 32-bit guest code to x86-64 and runs it. One struct recomp per
 * virtual CPU (code cache, block tables, look-up table). See docs/recompiler.md.
 *
 * Memory: translated code accesses guest linear addresses directly at membase + address. membase is
 * 0 in the monitor and in host processes that leave the low 4 GiB free, or GS.base on other hosts.
 *
 * Who calls what:
 *   run loop                     recomp_run()
 *   #PF, #GP, #DE, ... handler   recomp_trap(), when the host RIP lies in the code cache
 *   interrupt handler            recomp_signal(), and recomp_interrupted() so that a long REP stops
 *                                at an iteration
 *   guest memory writes          recomp_written(), as a gpmem watcher
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/cpu/env.h"

/*
 * Translated code reaches no address at membase + this and above: an operand of 4 GiB may be added to
 * an index of 4 GiB (the guard). The poll's load faults there.
 */
#define RECOMP_SPACE (8 * GiB)

struct recomp_config {
	u8 *cache_rw; /* the code cache as written, */
	u8 *cache_rx; /* and as executed (may be the same); page aligned */
	size_t cache_size;
	u64 membase;	 /* the value of GS.base with membase_gs, else 0 */
	bool membase_gs; /* guest memory at GS.base instead of 0 */
	/*
	 * NULL where the C around us leaves FPU registers alone (the monitor). Else a 16-byte
	 * aligned FXSAVE image to run C with: the stubs then keep the guest's in cpu->fpu while C
	 * runs.
	 */
	const u8 *host_fpu;
	const u8 *poll_quiet; /* a readable byte */
	const u8 *
		poll_signal; /* the start of 128 bytes whose load raises #PF, RECOMP_SPACE or more */
	bool verify;	     /* run the confinement verifier on every block */
};

/* Why recomp_run() came back. cpu is complete and between two instructions in every case. */
enum recomp_exit {
	RECOMP_EVENT,	 /* cpu->events holds CPU_EVENT_YIELD */
	RECOMP_LEAVE,	 /* env->want_leave said so */
	RECOMP_HALT,	 /* HLT: cpu->halted is set; interrupts may or may not be enabled */
	RECOMP_SHUTDOWN, /* triple fault */
};

/* Registers of interrupted host code; the trap stub restores exactly these. Numbered as the
 * hardware does. */
struct host_frame {
	u64 gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
	u64 rip;
	u64 rflags;
};

struct recomp_stats {
	u64 blocks, blocks_evicted, cache_flushes;
	u64 guest_insns, guest_bytes, host_bytes;
	u64 dispatches, lookup_misses, hard_execs;
	u64 faults_resolved, faults_delivered, slow_accesses;
	u64 smc_writes, smc_blocks, patches;
	u64 verified_blocks;
	u64 code_used, arena_used, slots_used; /* at present: bytes, bytes, slots */
};

/* Creates the translator for cpu (sets cpu->recomp). Returns 0, E_NOMEM or E_INVAL. */
int recomp_create(struct cpu *cpu, const struct recomp_config *config);
void recomp_destroy(struct cpu *cpu);

/*
 * Runs from cpu->eip until there is a reason to stop; takes pending interrupts and NMIs itself
 * (cpu_take_events). Executes at least one guest instruction before it asks env->want_leave(): the
 * caller has decided already. Interrupts are enabled by the caller's choice: translated code runs
 * with the host's IF as recomp_run() found it.
 */
enum recomp_exit recomp_run(struct cpu *cpu);

/* Executes exactly one guest instruction (REP: one iteration or more), then returns as
 * recomp_run(), or RECOMP_EVENT. */
enum recomp_exit recomp_step(struct cpu *cpu);

/* True if a host RIP lies in translated code or its stubs. */
bool recomp_owns(const struct recomp *r, u64 rip);

/*
 * A host exception in translated code: cr2 is the host linear address of a #PF. Returns true if it
 * was handled: resume with the (possibly redirected) frame. False: it cannot be the guest's doing
 * (a bug in the monitor).
 */
bool recomp_trap(struct cpu *cpu, struct host_frame *frame, u8 vector, u32 error, u64 cr2);

/* The guest's EIP of an instruction in translated code, from the low half of the host's RIP. False:
 * it lies nowhere there. */
bool recomp_guest_eip(struct recomp *r, u32 rip, u32 *eip);

/* Asks translated code to leave at the next poll. Async-signal-safe; any context on the same CPU.
 */
void recomp_signal(struct cpu *cpu, u32 events);
/* The level of these events dropped (the interrupt line went down). */
void recomp_unsignal(struct cpu *cpu, u32 events);
/* From an interrupt that hit translated code: if the guest instruction at frame->rip may be left
 * right here (REP), redirects. */
void recomp_interrupted(struct cpu *cpu, struct host_frame *frame);

/* Guest-physical bytes [gpa, gpa + len) are about to change or have changed: drops what was
 * translated from them. */
void recomp_written(struct recomp *r, gpa_t gpa, u32 len);

/*
 * Names the linear-to-physical mapping through which code of CPL 3, or of CPL 0..2, is found from
 * now on. Translations that were found by linear address under another number are not used, and are
 * found again when that number comes back. So an address space has a number, and gets a new one
 * when the mapping of code in it changes.
 */
void recomp_set_mapping(struct recomp *r, bool cpl3, u32 mapping);

/*
 * Proves all live blocks, whether they were proven when they were made or not (docs/recompiler.md).
 * Returns how many were; *why is NULL, or says what is wrong with the one at *eip, at which it
 * stopped.
 */
u32 recomp_verify(const struct recomp *r, u32 *eip, const char **why);

/* cpu->watch.code changed. r may be NULL. */
void recomp_breakpoints_changed(struct recomp *r);

/* Drops everything. */
void recomp_flush(struct recomp *r);

const struct recomp_stats *recomp_stats(struct recomp *r);
