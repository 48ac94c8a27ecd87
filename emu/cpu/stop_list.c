/* SPDX-License-Identifier: MIT */
/*
 * Stops that come and go, and who is told.
 */
#include "emu/cpu/stop_list.h"

#include "emu/cpu/semantics.h"
#include "emu/cpu/stops.h"
#include "kernel/base/error.h"

static u32 pages_of(const struct cpu_stop *s)
{
	return ((s->gla + s->len - 1) >> PAGE_SHIFT) - (s->gla >> PAGE_SHIFT) + 1;
}

/* An upper bound: several may lie on one page. */
static u32 data_pages(const struct cpu_stops *s)
{
	u32 n = 0;

	for (unsigned i = 0; i < s->count; i++)
		if (s->at[i].kind != STOP_EXEC)
			n += pages_of(&s->at[i]);
	return n;
}

static void changed(struct cpu *cpu, const struct cpu_stop *stop)
{
	struct cpu_stops *s = &cpu->stops;

	s->codes = 0;
	s->filter = 0;
	for (unsigned i = 0; i < s->count; i++) {
		if (s->at[i].kind != STOP_EXEC)
			continue;
		s->codes++;
		s->filter |= cpu_stop_filter(s->at[i].gla);
	}
	if (stop->kind == STOP_EXEC) {
		if (cpu->code)
			cpu->code->stop_changed(cpu, stop->gla);
		cpu_env(cpu)->watch_changed(cpu);
	} else {
		cpu_debug_changed(cpu);
	}
}

int cpu_stop_add(struct cpu *cpu, const struct cpu_stop *stop)
{
	struct cpu_stops *s = &cpu->stops;
	bool exec = stop->kind == STOP_EXEC;

	if (stop->kind > STOP_ACCESS || !stop->len || stop->len > CPU_STOP_LEN ||
	    (exec && stop->len != 1) || stop->gla + (stop->len - 1) < stop->gla)
		return E_INVAL;
	if (s->count == CPU_STOPS || (!exec && data_pages(s) + pages_of(stop) > CPU_STOP_PAGES))
		return E_FULL;
	s->at[s->count++] = *stop;
	changed(cpu, stop);
	return 0;
}

static bool same(const struct cpu_stop *a, const struct cpu_stop *b)
{
	return a->gla == b->gla && a->len == b->len && a->kind == b->kind &&
	       a->min_esp == b->min_esp;
}

int cpu_stop_remove(struct cpu *cpu, const struct cpu_stop *stop)
{
	struct cpu_stops *s = &cpu->stops;

	for (unsigned i = 0; i < s->count; i++) {
		if (!same(&s->at[i], stop))
			continue;
		s->at[i] = s->at[--s->count];
		changed(cpu, stop);
		return 0;
	}
	return E_NOENT;
}
