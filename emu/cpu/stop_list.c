/* SPDX-License-Identifier: MIT */
/*
 * Stops that come and go, and who is told.
 */
#include "emu/cpu/stop_list.h"

#include "emu/cpu/semantics.h"
#include "emu/cpu/stops.h"
#include "kernel/base/error.h"

static bool of_data(const struct cpu_stop *s)
{
	return s->kind >= STOP_WRITE && s->kind <= STOP_ACCESS;
}

/* By bit, as far as exceptions have them. */
static u32 vectors_of(const struct cpu_stop *s)
{
	return s->gla > 31 ? 0 : (u32)(BIT64(MIN(s->len, 32u)) - 1) << s->gla;
}

static u32 pages_of(const struct cpu_stop *s)
{
	return ((s->gla + s->len - 1) >> PAGE_SHIFT) - (s->gla >> PAGE_SHIFT) + 1;
}

/* An upper bound: several may lie on one page. */
static u32 data_pages(const struct cpu_stops *s)
{
	u32 n = 0;

	for (unsigned i = 0; i < s->count; i++)
		if (of_data(&s->at[i]))
			n += pages_of(&s->at[i]);
	return n;
}

static void count(struct cpu_stops *s)
{
	s->codes = 0;
	s->filter = 0;
	s->kinds = s->told;
	s->vectors &= CPU_STRICT;
	if (s->told & BIT(STOP_EXCEPTION))
		s->vectors |= ~CPU_STRICT;
	for (unsigned i = 0; i < s->count; i++) {
		s->kinds |= (u16)BIT(s->at[i].kind);
		if (s->at[i].kind == STOP_EXCEPTION)
			s->vectors |= vectors_of(&s->at[i]);
		if (s->at[i].kind != STOP_EXEC)
			continue;
		s->codes++;
		s->filter |= cpu_stop_filter(s->at[i].gla);
	}
}

static void changed(struct cpu *cpu, const struct cpu_stop *stop)
{
	count(&cpu->stops);
	cpu_tables_moved(cpu); /* ways that ask nobody end */
	if (stop->kind == STOP_EXEC) {
		if (cpu->code)
			cpu->code->stop_changed(cpu, stop->gla);
		cpu_env(cpu)->watch_changed(cpu);
	} else if (of_data(stop)) {
		cpu_debug_changed(cpu);
	}
}

int cpu_stop_add(struct cpu *cpu, const struct cpu_stop *stop)
{
	struct cpu_stops *s = &cpu->stops;

	if (stop->kind >= STOP_KINDS || stop->id >= CPU_STOPS || !stop->len ||
	    (of_data(stop) && stop->len > CPU_STOP_LEN) ||
	    (stop->kind == STOP_EXEC && stop->len != 1) || stop->gla + (stop->len - 1) < stop->gla)
		return E_INVAL;
	if (s->count == CPU_STOPS ||
	    (of_data(stop) && data_pages(s) + pages_of(stop) > CPU_STOP_PAGES))
		return E_FULL;
	s->at[s->count++] = *stop;
	changed(cpu, stop);
	return 0;
}

static bool same(const struct cpu_stop *a, const struct cpu_stop *b)
{
	return a->gla == b->gla && a->len == b->len && a->kind == b->kind &&
	       a->min_esp == b->min_esp && a->ways == b->ways && a->id == b->id;
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

void cpu_stop_tell(struct cpu *cpu, u16 kinds)
{
	cpu->stops.told = kinds;
	count(&cpu->stops);
	cpu_tables_moved(cpu);
}
