/* SPDX-License-Identifier: MIT */
/*
 * An engine: a means to execute a virtual CPU's instructions. vmm/run/run.c has the table of them.
 */
#pragma once

#include "vmm/run/policy.h"
#include "vmm/state/vcpu.h"

struct engine {
	const char *name;
	/* May it execute the next instruction? */
	bool (*may_run)(struct vcpu *v);
	/* Executes until it has a reason to stop. */
	enum vcpu_stop (*run)(struct vcpu *v);
	/* Somebody else wants the processor, and an interrupt (frame f) has hit the engine, or C
	 * that it called: true if it was this engine's, which comes back soon then, or leaves
	 * from here. */
	bool (*kick)(struct vcpu *v, struct trap_frame *f);
};

/* One instruction for a debugger, by the recompiler: v->steps of them are left. */
enum vcpu_stop engine_step(struct vcpu *v);

/* Guest code itself, in ring 3 or 1: refuses what it must not execute. Translated code: refuses
 * nothing. */
extern const struct engine engine_raw, engine_recomp;
