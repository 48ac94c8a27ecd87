/* SPDX-License-Identifier: MIT */
/*
 * The longest time that the monitor ran with interrupts off: per VM what was done for it, and of
 * all. Interrupts are off while a vcpu's place is PLACE_MONITOR, since traps come in by interrupt
 * gates and the run loop holds them off; vcpu_account() calls these with the time that it has read
 * anyway. The scheduler enables them around what may take longer.
 */
#pragma once

#include "kernel/base/types.h"

struct vcpu;

struct irqs_off {
	u64 cycles;	   /* TSC */
	u32 eip;	   /* the guest's, when it ended */
	const char *began; /* with what */
};

/* They went off at this TSC, and on again, for v. */
void irqs_off_begin(u64 now);
void irqs_off_end(struct vcpu *v, u64 now);

/* What the present period began with: a trap's vector, or the run loop. */
#define IRQS_OFF_RUN_LOOP 256u

/* The longest of all VMs, those that are gone included. */
const struct irqs_off *irqs_off_longest(void);
