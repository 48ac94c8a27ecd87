/* SPDX-License-Identifier: MIT */
/*
 * Debugging facilities of raw ring 3: its TF is the real one, and its breakpoints are in the real
 * debug registers, from raw_debug_begin() to raw_debug_end() and only while DR7 enables some.
 */
#pragma once

#include "vmm/state/vcpu.h"

struct trap_frame;

/* Around raw_enter(), for CPL 3. */
void raw_debug_load(struct vcpu *v);
void raw_debug_unload(struct vcpu *v);
static inline void raw_debug_begin(struct vcpu *v)
{
	if (v->cpu.watch.codes | v->cpu.watch.guests)
		raw_debug_load(v);
}
static inline void raw_debug_end(struct vcpu *v)
{
	if (v->debug_loaded)
		raw_debug_unload(v);
}

/* A #DB of raw code, whose state is saved: what it owes the guest is in cpu.debug_hits. */
void raw_debug_trap(struct vcpu *v);

/* Every other trap or interrupt of raw code, before anything is done about it. True: its state
 * is to be saved and raw code left, and then raw_debug_take() called. */
static inline bool raw_debug_owes(const struct vcpu *v)
{
	return v->late_hits;
}
void raw_debug_take(struct vcpu *v);

/* A #DB in ring 0. True: it is one that MOV SS held off until the monitor's first instruction. */
bool raw_debug_late(struct vcpu *v);
