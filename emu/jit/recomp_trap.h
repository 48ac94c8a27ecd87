/* SPDX-License-Identifier: MIT */
/*
 * Host exceptions and interrupts that hit translated code.
 */
#pragma once

#include "emu/cpu/cpu.h"

/* Registers of interrupted host code; the trap stub restores exactly these. Numbered as the
 * hardware does. */
struct host_frame {
	u64 gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
	u64 rip;
	u64 rflags;
};

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

/* From an interrupt that hit translated code: if the guest instruction at frame->rip may be left
 * right here (REP), redirects. */
void recomp_interrupted(struct cpu *cpu, struct host_frame *frame);
