/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts of the real CPU. Every stub builds a struct trap_frame on the stack in
 * use and calls trap_dispatch(), which, in this order: hands device interrupts to their handlers; a
 * trap that came from guest code to percpu->guest_trap; one in translated code or in an
 * accessor to percpu->code_trap; looks for a fix-up; panics.
 *
 * All 256 gates are interrupt gates (IF=0 in handlers) with DPL 0: software interrupts of guests
 * arrive as #GP.
 *
 * NMI, #DF and #MC have IST stacks; everything else runs on RSP0 (from guest code) or the
 * current stack.
 */
#pragma once

#include "kernel/base/types.h"
#include "kernel/hw/x86.h"

#define TRAP_STUB_SIZE 16u /* bytes from one entry stub of the IDT to the next */

struct trap_frame {
	u64 gpr[16]; /* rax rcx rdx rbx (rsp: unused) rbp rsi rdi r8..r15, as the hardware numbers
			them */
	u64 vector;
	u64 error;
	u64 rip, cs, rflags, rsp, ss;
};

/*
 * From guest code: from an outer ring, or from virtual-8086 mode, in which CS is no selector. Long
 * mode has none, but QEMU's TCG (7.2) enters it by an IRET at any CPL whose image has VM set. The
 * monitor and translated code lie above 4 GiB: VM in their image is a stray bit.
 */
static inline bool trap_from_guest(const struct trap_frame *frame)
{
	return (frame->cs & 3) || ((frame->rflags & EFLAGS_VM) && !(frame->rip >> 32));
}

/*
 * For those who follow return addresses. `word` holds one: that of the call of trap_dispatch(), and
 * the frame of the trap lies behind it? Else NULL.
 */
extern const char trap_dispatched[];
static inline const struct trap_frame *trap_frame_behind(const u64 *word)
{
	return *word == (u64)trap_dispatched ? (const struct trap_frame *)(word + 2) : NULL;
}

void trap_init(void); /* builds the IDT and loads it; once per CPU for the load */

/* Restores the frame and IRETQs. Does not return. */
void trap_return(struct trap_frame *frame) __attribute__((noreturn));
/* The IRETQ that leaves every trap: a #GP or #SS here means that a frame cannot be resumed. */
extern const char trap_return_iret[];

/*
 * Called for each NMI, at any point of any code, on a stack of its own. An NMI does nothing else:
 * it may be the button of someone who wants to know where a monitor hangs that has interrupts off.
 */
void trap_set_nmi_handler(void (*fn)(const struct trap_frame *frame));

/* fn says whether an NMI is the watchdog's own (drivers/time/watchdog.c): nobody else is told of
 * it. */
void trap_set_nmi_watchdog(bool (*fn)(void));

/*
 * The monitor's own debugger. While it is `on`, it is asked before anybody else about each trap but
 * system calls of guest code: true, that was all. And `last` is called behind what the trap did,
 * unless that was left by other means. Both may change the frame.
 */
struct trap_debugger {
	volatile bool on;
	bool (*first)(struct trap_frame *frame, bool guest);
	void (*last)(struct trap_frame *frame, bool guest);
};
void trap_set_debugger(const struct trap_debugger *d);

/* Called by the stubs. */
void trap_dispatch(struct trap_frame *frame);
/* fn gets a trap that nobody wanted, and does not return. */
void trap_set_fatal(void (*fn)(const struct trap_frame *frame));
const char *trap_name(u64 vector);
