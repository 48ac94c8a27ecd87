/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU data. Found from RSP: every stack of a CPU (RSP0 and IST) is PERCPU_STACK_SIZE bytes,
 * aligned to its size, and its lowest word holds the pointer to struct percpu. Never by GS: guest
 * selectors stay loaded while the monitor runs.
 */
#pragma once

#include "kernel/base/types.h"

#define PERCPU_STACK_SIZE 32768u

struct trap_frame;
struct tss;

struct percpu {
	unsigned id; /* 0 is the boot CPU */
	u32 apic_id;
	struct tss *tss;
	void *gdt; /* the 64 KiB table loaded now */
	/* Guest code trapped, or an NMI hit it. Must resume the frame by returning, or unwind by
	 * its own means; after an NMI only by the frame, whose IRETQ lets the next one in. */
	void (*guest_trap)(struct percpu *pc, struct trap_frame *frame);
	/* Exception in ring 0. Returns true if handled: the frame is resumed. */
	bool (*code_trap)(struct percpu *pc, struct trap_frame *frame);
	/* After a device interrupt was handled, before its frame is resumed: the scheduler's chance
	 * to signal. */
	void (*after_irq)(struct percpu *pc, struct trap_frame *frame);
	void *vcpu;		/* what runs here: the monitor's struct vcpu, or NULL */
	const void *last_guest; /* the VM that ran here last */
	unsigned irq_depth;
	const struct trap_frame
		*irq_frame; /* what the present device interrupt interrupted, NULL outside of one */
	u64 irqs;
	u64 nmis;
	u64 xcr0; /* what XCR0 holds (arch/cpu/fpu.h) */
};

/* The boot CPU's stacks and TSS; before anything that asks percpu_this(). */
void percpu_init_boot(void);
/* True for a page that must stay unmapped below a stack. */
bool percpu_stack_guard(hva_t page);

/* fn goes on at the top of a stack of its own, each time anew: what was on it is forgotten. For the
 * prompt after a panic. */
void percpu_restart(void (*fn)(void)) __attribute__((noreturn));

/* Interrupt stack numbers in the TSS, as the IDT's gates name them. */
#define PERCPU_IST_NMI	 1
#define PERCPU_IST_DF	 2
#define PERCPU_IST_MC	 3
#define PERCPU_IST_COUNT 3

static inline struct percpu *percpu_this(void)
{
	u64 rsp;

	__asm__("mov %%rsp, %0" : "=r"(rsp));
	return *(struct percpu **)(rsp & ~(u64)(PERCPU_STACK_SIZE - 1));
}
