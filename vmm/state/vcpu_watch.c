/* SPDX-License-Identifier: MIT */
/*
 * The pages of breakpoints, for the shadow tables.
 */
#include "vmm/state/vcpu_watch.h"

void vcpu_watch(struct vcpu *v, bool guests)
{
	const struct cpu_watch *w = &v->cpu.watch;
	const struct cpu_stops *s = &v->cpu.stops;
	unsigned first = guests ? 0 : w->guests, codes = 0;
	gla_t code[CPU_STOPS];

	for (unsigned i = 0; i < s->count; i++)
		if (s->at[i].kind == STOP_EXEC)
			code[codes++] = s->at[i].gla & ~(PAGE_SIZE - 1);
	shadow_hide(v->shadow, w->data + first, w->datas - first, code, codes);
}
