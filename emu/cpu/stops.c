/* SPDX-License-Identifier: MIT */
/*
 * What is met of the debugger's stops, and noted.
 */
#include "emu/cpu/stops.h"

#include "emu/cpu/semantics.h"
#include "emu/dev/strict.h"

#define PF_RESERVED BIT(3) /* of the error code of #PF */

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

static u64 those_that_hold(struct cpu *cpu, u64 ids)
{
	u64 left = 0;

	if (!cpu->stops.holds)
		return ids;
	for (u64 rest = ids; rest; rest &= rest - 1)
		if (cpu->stops.holds(cpu, (u8)__builtin_ctzll(rest)))
			left |= rest & -rest;
	return left;
}

/* Of several the first one gives the words. */
static void note(struct cpu *cpu, const struct cpu_stopped *what)
{
	if (cpu->events & CPU_EVENT_STOP) {
		cpu->stops.stopped.ids |= what->ids;
		return;
	}
	cpu->stops.stopped = *what;
	__atomic_fetch_or(&cpu->events, CPU_EVENT_STOP, __ATOMIC_SEQ_CST);
}

bool cpu_stop_met(struct cpu *cpu)
{
	gla_t gla = cpu->seg[SEG_CS].base + cpu->eip;
	struct cpu_stops *s = &cpu->stops;
	u64 ids = 0;

	for (unsigned i = 0; i < s->count; i++)
		if (s->at[i].kind == STOP_EXEC && s->at[i].gla == gla &&
		    cpu->gpr[REG_ESP] >= s->at[i].min_esp)
			ids |= BIT64(s->at[i].id);
	ids = those_that_hold(cpu, ids);
	if (ids)
		s->stopped = (struct cpu_stopped){ .by = STOPPED_AT, .gla = gla, .ids = ids };
	return ids;
}

static bool data_meets(const struct cpu_stop *a, gla_t gla, unsigned len, bool write)
{
	return (a->kind == STOP_ACCESS || a->kind == (write ? STOP_WRITE : STOP_READ)) &&
	       (gla - a->gla < a->len || a->gla - gla < len);
}

bool cpu_stop_data_meets(const struct cpu *cpu, gla_t gla, unsigned len, bool write)
{
	const struct cpu_stops *s = &cpu->stops;

	for (unsigned i = 0; i < s->count; i++)
		if (data_meets(&s->at[i], gla, len, write))
			return true;
	return false;
}

void cpu_stop_data(struct cpu *cpu, gla_t gla, unsigned len, bool write)
{
	const struct cpu_stops *s = &cpu->stops;

	for (unsigned i = 0; i < s->count; i++)
		if (data_meets(&s->at[i], gla, len, write))
			note(cpu, &(struct cpu_stopped){ .by = STOPPED_BY_DATA,
							 .kind = s->at[i].kind,
							 .gla = s->at[i].gla,
							 .ids = BIT64(s->at[i].id) });
}

static u64 events_met(const struct cpu *cpu, enum cpu_stop_kind kind, u32 number, u32 len, u8 ways)
{
	const struct cpu_stops *s = &cpu->stops;
	u64 ids = 0;

	for (unsigned i = 0; i < s->count; i++) {
		const struct cpu_stop *a = &s->at[i];

		if (a->kind == kind && (!a->ways || (a->ways & ways)) &&
		    (number - a->gla < a->len || a->gla - number < len))
			ids |= BIT64(a->id);
	}
	return ids;
}

void cpu_stop_note_event(struct cpu *cpu, enum cpu_stop_kind kind, u32 number, u32 len, u8 ways)
{
	u64 ids = events_met(cpu, kind, number, len, ways);

	if (cpu->stops.told & BIT(kind))
		cpu->stops.tell(cpu, kind, number, len, ways);
	if (ids)
		note(cpu, &(struct cpu_stopped){ .by = STOPPED_BY_EVENT,
						 .kind = (u8)kind,
						 .error = ways & (STOP_READS | STOP_WRITES),
						 .gla = number,
						 .ids = ids });
}

/* The fault is what hardware answers with; who knows an emulator that forgives wants to know why it
 * came. */
static void tell_rule(struct cpu *cpu, const struct cpu_fault *f)
{
	if (f->vector == VEC_PF && (f->error & PF_RESERVED))
		cpu_env(cpu)->strict(cpu, STRICT_pte_reserved, f->addr);
	else if (f->rule)
		cpu_env(cpu)->strict(cpu, f->rule - 1u, 0);
}

void cpu_stop_rule(struct cpu *cpu)
{
	if (cpu->stops.vectors & CPU_STRICT)
		tell_rule(cpu, &cpu->fault);
}

bool cpu_stop_exception(struct cpu *cpu)
{
	const struct cpu_fault *f = &cpu->fault;
	u64 ids;

	cpu_stop_rule(cpu);
	if ((cpu->stops.told & BIT(STOP_EXCEPTION)) && !cpu->stops.pass_exception)
		cpu->stops.tell(cpu, STOP_EXCEPTION, f->vector, 1, 0);
	if (!(cpu->stops.vectors & BIT(f->vector & 31)))
		return false;
	if (cpu->stops.pass_exception) {
		cpu->stops.pass_exception = false;
		return false;
	}
	ids = those_that_hold(cpu, events_met(cpu, STOP_EXCEPTION, f->vector, 1, 0));
	if (!ids)
		return false;
	if (f->vector == VEC_DB) /* owed at the boundary where the CPU stands */
		cpu->debug_hits |= f->addr;
	note(cpu, &(struct cpu_stopped){ .by = STOPPED_BY_EXCEPTION,
					 .kind = STOP_EXCEPTION,
					 .vector = f->vector,
					 .error = f->error,
					 .gla = f->addr,
					 .ids = ids });
	return true;
}

bool cpu_stop_counts(struct cpu *cpu)
{
	struct cpu_stopped *s = &cpu->stops.stopped;

	__atomic_fetch_and(&cpu->events, ~CPU_EVENT_STOP, __ATOMIC_SEQ_CST);
	if (s->by != STOPPED_BY_DATA && s->by != STOPPED_BY_EVENT)
		return true;
	s->ids = those_that_hold(cpu, s->ids);
	if (!s->ids)
		s->by = STOPPED_NOT;
	return s->ids;
}

void cpu_stop_forget(struct cpu *cpu)
{
	if (!(cpu->events & CPU_EVENT_STOP))
		return;
	__atomic_fetch_and(&cpu->events, ~CPU_EVENT_STOP, __ATOMIC_SEQ_CST);
	cpu->stops.stopped.by = STOPPED_NOT;
}
