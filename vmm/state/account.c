/* SPDX-License-Identifier: MIT */
/*
 * Charges each stretch of TSC cycles to a place of a vcpu, and keeps the longest stretch with
 * interrupts off.
 */
#include "vmm/state/account.h"

#include "arch/trap/trap.h"

const char *const vcpu_place_name[PLACE_COUNT] = { "monitor", "translator", "recompiler", "raw3",
						   "raw1" };

u64 irqs_off_since;
static struct irqs_off longest;

void irqs_off_note(struct vcpu *v, u64 cycles)
{
	struct irqs_off period = { .cycles = cycles };

	period.eip = v->cpu.eip;
	period.began = v->trapped == IRQS_OFF_RUN_LOOP ? "run loop" : trap_name(v->trapped);
	v->irqs_off = period;
	if (period.cycles > longest.cycles)
		longest = period;
}

const struct irqs_off *irqs_off_longest(void)
{
	return &longest;
}
