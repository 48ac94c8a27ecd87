/* SPDX-License-Identifier: MIT */
/*
 * Is this a place to stop? The header tells who asks.
 */
#include "emu/jit/recomp_stop.h"

#include "emu/block/block.h"
#include "emu/cpu/stops.h"

static gla_t here(const struct recomp *r)
{
	return r->cpu->seg[SEG_CS].base + r->cpu->eip;
}

static bool ask(struct recomp *r)
{
	gla_t gla = here(r);

	if (r->passes && r->passed == gla)
		return false;
	r->passed = gla;
	return cpu_stop_met(r->cpu);
}

/* It goes on in translated code: from there only one that is begun again comes back. */
u32 recomp_stop(struct cpu *cpu, u32 site)
{
	struct recomp *r = cpu->recomp;
	const struct site *s = (const struct site *)(const void *)(r->arena + site);
	bool stops;

	cpu->eip = s->eip;
	stops = ask(r);
	r->passes = false;
	r->pending = stops ? CPU_STOP : CPU_NEXT;
	return r->pending;
}

bool recomp_stop_met(struct recomp *r)
{
	if (!r->cpu->stops.codes || !cpu_stops_at(r->cpu, here(r)))
		return false;
	r->passes = !ask(r);
	return !r->passes;
}

void recomp_stop_retried(struct recomp *r)
{
	if (r->passed == here(r))
		r->passes = true;
}

void recomp_stop_changed(struct recomp *r, gla_t gla)
{
	r->passes = false;
	r->passed = ~gla;
	block_drop_holding(r, gla);
}
