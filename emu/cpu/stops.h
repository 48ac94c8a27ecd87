/* SPDX-License-Identifier: MIT */
/*
 * Has a debugger asked to stop here? emu/cpu/stop.h tells who asks that where.
 */
#pragma once

#include "emu/cpu/cpu.h"

/* Where in the filter an address is. */
static inline u64 cpu_stop_filter(gla_t gla)
{
	return BIT64(gla * 0x9e3779b1u >> 26);
}

/* Is an address of STOP_EXEC there? Or anywhere on the page? */
bool cpu_stops_at(const struct cpu *cpu, gla_t gla);
bool cpu_stops_on_page(const struct cpu *cpu, gla_t gla);

/* In front of the instruction at CS:EIP: is this a place to stop? Then `stopped` is set. */
bool cpu_stop_met(struct cpu *cpu);
/* The accessors' report. */
void cpu_stop_data(struct cpu *cpu, gla_t gla, unsigned len, bool write);
/* Would the access meet one? */
bool cpu_stop_data_meets(const struct cpu *cpu, gla_t gla, unsigned len, bool write);
/* Strict: the rule that was broken, if cpu->fault came from one, is told. */
void cpu_stop_rule(struct cpu *cpu);
/* An exception is about to be delivered, cpu->fault. True: it is to be stopped at. */
bool cpu_stop_exception(struct cpu *cpu);
/* It has accessed `len` ports from `number` on, and so forth: is there a stop for that? */
void cpu_stop_note_event(struct cpu *cpu, enum cpu_stop_kind kind, u32 number, u32 len, u8 ways);
static inline void cpu_stop_event(struct cpu *cpu, enum cpu_stop_kind kind, u32 number, u32 len,
				  u8 ways)
{
	if (__builtin_expect(cpu->stops.kinds & BIT(kind), 0))
		cpu_stop_note_event(cpu, kind, number, len, ways);
}
/* CPU_EVENT_STOP is there, at a boundary, and is cleared. Does it count? */
bool cpu_stop_counts(struct cpu *cpu);
/* The instruction was not completed, and will be executed again: what it met is not met yet. */
void cpu_stop_forget(struct cpu *cpu);
