/* SPDX-License-Identifier: MIT */
/*
 * Charges each stretch of TSC cycles to a place of a vcpu, and keeps the longest stretch with
 * interrupts off.
 */
#include "vmm/state/account.h"

#include "arch/cpu/processor.h"
#include "arch/trap/trap.h"

const char *const vcpu_place_name[PLACE_COUNT] = { "monitor", "translator", "recompiler", "raw3",
						   "raw1" };

static u64 since;
static struct irqs_off longest;

void irqs_off_begin(u64 now)
{
	since = now;
}

void irqs_off_end(struct vcpu *v, u64 now)
{
	struct irqs_off period = { .cycles = now - since };

	if (period.cycles <= v->irqs_off.cycles)
		return;
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

enum vcpu_place vcpu_account(struct vcpu *v, enum vcpu_place place)
{
	u64 now = rdtsc();
	enum vcpu_place before = v->place;

	v->stats.cycles[before] += now - v->place_since;
	v->place_since = now;
	if (place == before)
		return before;
	v->stats.entries[place]++;
	if (place == PLACE_MONITOR)
		irqs_off_begin(now);
	else if (before == PLACE_MONITOR)
		irqs_off_end(v, now);
	v->place = place;
	return before;
}
