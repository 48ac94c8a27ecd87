/* SPDX-License-Identifier: MIT */
/*
 * What a recompiler is made with, why it stops, and what it counts.
 */
#pragma once

#include "kernel/base/types.h"

/*
 * Translated code reaches no address at membase + this and above: an operand of 4 GiB may be added
 * to an index of 4 GiB (the guard). The poll's load faults there.
 */
#define RECOMP_SPACE (8 * GiB)

/*
 * The fence of segments of 64 KiB: a load at poll_quiet + n is allowed for 0 <= n < RECOMP_FENCE,
 * and raises #PF on RECOMP_FENCE bytes before and from there to RECOMP_FENCED. The guest never sees
 * what is read there, so all its pages may be the same one.
 */
#define RECOMP_FENCE  0x10000u
#define RECOMP_FENCED (4 * GiB + 2 * RECOMP_FENCE) /* an offset of 32 bits, and an operand */

struct cpu;

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
	const u8 *poll_quiet; /* the fence, at RECOMP_SPACE or above */
	/* Loads that raise #PF, at RECOMP_SPACE or above: RECOMP_FENCE bytes before it, and
	 * RECOMP_FENCED from there on. */
	const u8 *poll_signal;
	/* Bytes of a page with translated code are written, before anybody follows; NULL: nobody
	 * wants to know. */
	void (*code_written)(struct cpu *cpu, gpa_t gpa, u32 len);
	bool verify; /* run the confinement verifier on every block */
};

/* Why recomp_run() came back. cpu is complete and between two instructions in every case. */
enum recomp_exit {
	RECOMP_EVENT,	 /* cpu->events holds CPU_EVENT_YIELD */
	RECOMP_LEAVE,	 /* env->want_leave said so */
	RECOMP_IRET,	 /* the same behind the IRET to a program */
	RECOMP_HALT,	 /* HLT: cpu->halted is set; interrupts may or may not be enabled */
	RECOMP_SHUTDOWN, /* triple fault */
	RECOMP_STOP,	 /* cpu->stops.stopped says at what */
};

struct recomp_stats {
	u64 blocks, blocks_evicted, cache_flushes;
	u64 guest_insns, guest_bytes, host_bytes;
	u64 dispatches, went_on, lookup_misses, hard_execs;
	u64 faults_resolved, faults_delivered, slow_accesses;
	u64 smc_writes, smc_blocks, patches;
	u64 mixed_pages, stale_blocks;
	u64 loop_calls, loop_rounds; /* of counted loops */
	u64 verified_blocks;
	u64 code_used, arena_used, slots_used; /* at present: bytes, bytes, slots */
};
