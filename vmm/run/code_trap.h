/* SPDX-License-Identifier: MIT */
/*
 * Traps and interrupts that hit translated code.
 */
#pragma once

#include "vmm/state/vcpu.h"

/* For percpu.code_trap: an exception in ring 0. True if it was the guest's doing and is taken care
 * of.
 */
bool code_trap(struct percpu *pc, struct trap_frame *frame);

/* A device interrupt hit translated code, which is to leave soon: a long REP may leave right here.
 */
void code_interrupted(struct vcpu *v, struct trap_frame *frame);
