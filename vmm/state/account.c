/* SPDX-License-Identifier: MIT */
/*
 * Charges each stretch of TSC cycles to a place of a vcpu, and keeps the longest stretch with
 * interrupts off.
 */
#include "vmm/state/account.h"

#include "arch/trap/trap.h"

const char *const vcpu_place_name[PLACE_COUNT] = { "monitor", "translator", "recompiler", "raw3",
						   "raw1" };

const char *const vcpu_away_name[AWAY_COUNT] = { "waiting", "idle", "standing" };

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

/* What the scheduler did before a task's turn is that task's. */
void vcpu_account_turn(struct vcpu *v, u64 began)
{
	began = MAX(began, v->place_since); /* a command has changed its reason since */
	v->stats.away[v->away] += began - v->place_since;
	v->away = AWAY_NOT;
	v->place = PLACE_MONITOR;
	v->place_since = began;
}

void vcpu_account_away(struct vcpu *v, enum vcpu_away why)
{
	vcpu_account(v, PLACE_MONITOR);
	v->away = why;
}

void vcpu_away_because(struct vcpu *v, enum vcpu_away why)
{
	u64 now = rdtsc();

	if (v->away == AWAY_NOT)
		return;
	v->stats.away[v->away] += now - v->place_since;
	v->place_since = now;
	v->away = why;
}

struct vcpu_stats vcpu_stats_at(const struct vcpu *v, u64 now)
{
	struct vcpu_stats s = v->stats;

	if (v->away != AWAY_NOT)
		s.away[v->away] += now - v->place_since;
	return s;
}
