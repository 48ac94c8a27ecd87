/* SPDX-License-Identifier: MIT */
/*
 * Who uses the processor's cycles, and the longest time that the monitor ran with interrupts off:
 * per VM what was done for it, and of all. Interrupts are off while a vcpu's place is
 * PLACE_MONITOR, since traps come in by interrupt gates and the run loop holds them off;
 * vcpu_account() notes both with one reading of the TSC. A turn enables them around what may take
 * longer.
 */
#pragma once

#include "vmm/state/vcpu.h"

extern const char *const vcpu_place_name[PLACE_COUNT];

/* Moves the account to another place; returns the one before. */
enum vcpu_place vcpu_account(struct vcpu *v, enum vcpu_place place);

/* They went off at this TSC, and on again, for v. */
void irqs_off_begin(u64 now);
void irqs_off_end(struct vcpu *v, u64 now);

/* What the present period began with: a trap's vector, or the run loop. */
#define IRQS_OFF_RUN_LOOP 256u

/* The longest of all VMs, those that are gone included. */
const struct irqs_off *irqs_off_longest(void);
