/* SPDX-License-Identifier: MIT */
#include "vmm/run/irqs_off.h"

#include "arch/trap/trap.h"
#include "vmm/run/vcpu.h"

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
