/* SPDX-License-Identifier: MIT */
/*
 * What translated code calls C for: hard instructions.
 */
#pragma once

#include "emu/block/recomp_internal.h"
#include "emu/jit/recomp_stop.h"

/*
 * Called from the stubs. site: offset of a struct site in the arena; it knows the EIP. The result
 * is an enum cpu_result or, of the first three, STUB_GO_ON.
 */
u32 recomp_hard(struct cpu *cpu, u32 site);
/* IRET. */
u32 recomp_iret(struct cpu *cpu, u32 site);
/* MOV and POP of DS, ES, FS, GS in flat protected-mode code: the load that is done over and over.
 */
u32 recomp_segment(struct cpu *cpu, u32 site);

/* The way in and out of work that takes long enough to have an account of its own; its result. */
static inline enum cpu_result recomp_in_c(struct cpu *cpu, u32 offset,
					  enum cpu_result (*work)(struct recomp *,
								  const struct site *))
{
	struct recomp *r = cpu->recomp;
	const struct site *s = (const struct site *)(const void *)(r->arena + offset);

	cpu_env(cpu)->code_runs(cpu, false);
	cpu->eip = s->eip;
	r->pending = work(r, s);
	if (r->pending == CPU_NEXT)
		cpu_env(cpu)->code_runs(cpu, true);
	else if (r->pending == CPU_RETRY && s->insn.op != OP_SLOW_STALE) /* which comes before */
		recomp_stop_retried(r);
	return r->pending;
}

/* Has the guest called no device since C looked the last time? */
bool recomp_no_device_called(struct recomp *r);
