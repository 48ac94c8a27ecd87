/* SPDX-License-Identifier: MIT */
/*
 * Who uses the processor's cycles, and the longest time that the monitor ran with interrupts off:
 * per VM what was done for it, and of all. Interrupts are off while a vcpu's place is
 * PLACE_MONITOR, since traps come in by interrupt gates and the run loop holds them off;
 * vcpu_account() notes both with one reading of the TSC. A turn enables them around what may take
 * longer. Every cycle since a vcpu was created is on one of its accounts.
 */
#pragma once

#include "arch/cpu/processor.h"
#include "kernel/base/count.h"
#include "vmm/state/vcpu.h"

extern const char *const vcpu_place_name[PLACE_COUNT];
extern const char *const vcpu_away_name[AWAY_COUNT];

/* Interrupts went off at this TSC. */
extern u64 irqs_off_since;
static inline void irqs_off_begin(u64 now)
{
	irqs_off_since = now;
}

/* The longest period of v so far. */
void irqs_off_note(struct vcpu *v, u64 cycles);

/* And on again, for v. */
static inline void irqs_off_end(struct vcpu *v, u64 now)
{
	if (now - irqs_off_since > v->irqs_off.cycles)
		irqs_off_note(v, now - irqs_off_since);
}

/* Moves the account to another place; returns the one before. */
static inline enum vcpu_place vcpu_account(struct vcpu *v, enum vcpu_place place)
{
	u64 now = COUNTING ? rdtsc() : 0;
	enum vcpu_place before = v->place;

	v->place = place;
	if (!COUNTING)
		return before;
	v->stats.cycles[before] += now - v->place_since;
	v->place_since = now;
	if (place == before)
		return before;
	v->stats.entries[place]++;
	if (place == PLACE_MONITOR)
		irqs_off_begin(now);
	else if (before == PLACE_MONITOR)
		irqs_off_end(v, now);
	return before;
}

/* Its turn began at this TSC; has ended, and it is away for a reason; or the reason changes while
 * it is away. */
void vcpu_account_turn(struct vcpu *v, u64 began);
void vcpu_account_away(struct vcpu *v, enum vcpu_away why);
void vcpu_away_because(struct vcpu *v, enum vcpu_away why);
/* Its counters at this TSC, which is now, between two turns. */
struct vcpu_stats vcpu_stats_at(const struct vcpu *v, u64 now);

/* What the present period began with: a trap's vector, or the run loop. */
#define IRQS_OFF_RUN_LOOP 256u

/* The longest of all VMs, those that are gone included. */
const struct irqs_off *irqs_off_longest(void);
