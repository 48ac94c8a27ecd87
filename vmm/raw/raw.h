/* SPDX-License-Identifier: MIT */
/*
 * Raw execution: guest code runs natively in compatibility mode, CPL 3 in ring 3 and CPL 0 in
 * ring 1.
 *
 *   1. raw_may_run() (vmm/run/policy.h) has decided that it may (design: docs/raw.md).
 *   2. raw_run() loads the segments and enters by IRETQ (raw_entry.asm).
 *   3. A trap comes back to raw_trap(): shadow fills resume at once; everything else saves the
 *      state into struct cpu and unwinds to raw_run()'s caller.
 *   4. Whatever resumes raw code in the middle looks at its frame first: at what a processor that
 *      errs may have put there, which ends the VM, and at what raw code changes by itself.
 */
#pragma once

#include "vmm/state/vcpu.h"

/* Is this page of the guest's kernel known to hold nothing that ring 1 must not execute? */
bool raw_code_clean(struct vcpu *v, gla_t gla);

/* Enters guest code; comes back when it has left for v->raw_exit, with struct cpu complete:
 * VCPU_SLICE if something waits for the processor or the devices, VCPU_AGAIN if only the engine
 * has to change, VCPU_SHUTDOWN. */
enum vcpu_stop raw_run(struct vcpu *v);

/* For percpu.guest_trap. */
void raw_trap(struct percpu *pc, struct trap_frame *frame);

/* A device interrupt hit raw code: leaves it if that is wanted, or if it may not be resumed as
 * it is; then does not return. */
void raw_interrupted(struct vcpu *v, struct trap_frame *frame, bool wanted);

/* A trap inside raw_entry.asm (bad selector), or at the IRETQ that resumes raw code: true if rip is
 * there, and then the frame is redirected so that raw_run returns. */
bool raw_entry_failed(struct vcpu *v, struct trap_frame *frame);
