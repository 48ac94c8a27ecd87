/* SPDX-License-Identifier: MIT */
/*
 * What is met of the debugger's stops, and noted.
 */
#include "emu/cpu/stops.h"

#include "emu/cpu/semantics.h"

bool cpu_stops_at(const struct cpu *cpu, gla_t gla)
{
	const struct cpu_stops *s = &cpu->stops;

	if (!(s->filter & cpu_stop_filter(gla)))
		return false;
	for (unsigned i = 0; i < s->count; i++)
		if (s->at[i].kind == STOP_EXEC && s->at[i].gla == gla)
			return true;
	return false;
}

bool cpu_stops_on_page(const struct cpu *cpu, gla_t gla)
{
	const struct cpu_stops *s = &cpu->stops;

	for (unsigned i = 0; i < s->count; i++)
		if (s->at[i].kind == STOP_EXEC && (s->at[i].gla ^ gla) < PAGE_SIZE)
			return true;
	return false;
}

static void note(struct cpu *cpu, const struct cpu_stopped *what)
{
	cpu->stops.stopped = *what;
	__atomic_fetch_or(&cpu->events, CPU_EVENT_STOP, __ATOMIC_SEQ_CST);
}

bool cpu_stop_met(struct cpu *cpu)
{
	gla_t gla = cpu->seg[SEG_CS].base + cpu->eip;
	struct cpu_stops *s = &cpu->stops;

	for (unsigned i = 0; i < s->count; i++) {
		if (s->at[i].kind != STOP_EXEC || s->at[i].gla != gla ||
		    cpu->gpr[REG_ESP] < s->at[i].min_esp)
			continue;
		s->stopped = (struct cpu_stopped){ .by = STOPPED_AT, .gla = gla };
		return true;
	}
	return false;
}

static const struct cpu_stop *find_data(const struct cpu *cpu, gla_t gla, unsigned len, bool write)
{
	const struct cpu_stops *s = &cpu->stops;

	for (unsigned i = 0; i < s->count; i++) {
		const struct cpu_stop *a = &s->at[i];

		if ((a->kind == STOP_ACCESS || a->kind == (write ? STOP_WRITE : STOP_READ)) &&
		    (gla - a->gla < a->len || a->gla - gla < len))
			return a;
	}
	return NULL;
}

bool cpu_stop_data_meets(const struct cpu *cpu, gla_t gla, unsigned len, bool write)
{
	return find_data(cpu, gla, len, write);
}

/* Of several the first one counts. */
void cpu_stop_data(struct cpu *cpu, gla_t gla, unsigned len, bool write)
{
	const struct cpu_stop *met = find_data(cpu, gla, len, write);

	if (met && !(cpu->events & CPU_EVENT_STOP))
		note(cpu, &(struct cpu_stopped){
				  .by = STOPPED_BY_DATA, .kind = met->kind, .gla = met->gla });
}

bool cpu_stop_exception(struct cpu *cpu)
{
	const struct cpu_fault *f = &cpu->fault;

	if (!(cpu->stops.vectors & BIT(f->vector & 31)))
		return false;
	if (cpu->stops.pass_exception) {
		cpu->stops.pass_exception = false;
		return false;
	}
	if (f->vector == VEC_DB) /* owed at the boundary where the CPU stands */
		cpu->debug_hits |= f->addr;
	note(cpu, &(struct cpu_stopped){ .by = STOPPED_BY_EXCEPTION,
					 .vector = f->vector,
					 .error = f->error,
					 .gla = f->addr });
	return true;
}

void cpu_stop_forget(struct cpu *cpu)
{
	if (!(cpu->events & CPU_EVENT_STOP))
		return;
	__atomic_fetch_and(&cpu->events, ~CPU_EVENT_STOP, __ATOMIC_SEQ_CST);
	cpu->stops.stopped.by = STOPPED_NOT;
}
