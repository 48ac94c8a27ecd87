/* SPDX-License-Identifier: MIT */
/*
 * Raw execution: guest code runs natively in compatibility mode, CPL 3 in ring 3 and CPL 0 in
 * ring 1.
 *
 *   1. raw_refused() decides whether it may (design: docs/raw.md); every reason is counted.
 *   2. raw_run() loads the segments and enters by IRETQ (raw_entry.asm).
 *   3. A trap comes back to raw_trap(): shadow fills resume at once; everything else saves the
 * state into struct cpu and unwinds to raw_run()'s caller.
 */
#pragma once

#include "vmm/vcpu.h"

/* True if raw execution must not start here; *why says the first reason. */
bool raw_refused(struct vcpu *v, enum raw_refusal *why);

/* Enters guest code; returns when it has left for v->raw_exit, with struct cpu complete. */
void raw_run(struct vcpu *v);

/* percpu.guest_trap */
void raw_trap(struct percpu *pc, struct trap_frame *frame);

/* Leaves raw execution from an interrupt: saves the frame and unwinds. Does not return. */
void raw_leave(struct vcpu *v, struct trap_frame *frame, enum raw_exit why)
	__attribute__((noreturn));

/* A trap inside raw_entry.asm (bad selector): true if rip is there, and then the frame is
 * redirected so that raw_run returns. */
bool raw_entry_failed(struct vcpu *v, struct trap_frame *frame);
