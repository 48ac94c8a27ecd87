/* SPDX-License-Identifier: MIT */
/*
 * Ways from CPL 3 into a handler at CPL 0 (struct cpu_way_in): what ring_change.c, which goes them
 * between flat segments, and ring_change_other.c have in common.
 */
#pragma once

#include "emu/cpu/transfer.h"

/* Kept out of the way's own code, which then saves no registers for it. */
#define RARELY __attribute__((noinline, cold))

static inline bool ring_way_same(const struct cpu_seen *s)
{
	u64 now;

	__builtin_memcpy(&now, s->at, 8);
	return now == s->is;
}

static inline bool ring_way_in_is_good(const struct cpu *cpu, u8 vector, const struct cpu_way_in *w)
{
	return w->moves == cpu->table_moves && w->vector == vector && ring_way_same(&w->gate) &&
	       ring_way_same(&w->code) && ring_way_same(&w->stack);
}

/* All but the stack, on which everything lies. */
static inline void ring_way_enter(struct cpu *cpu, const struct cpu_way_in *w)
{
	cpu->eip = w->eip;
	cpu->seg[SEG_CS] = w->cs;
	cpu->seg[SEG_SS] = w->ss;
	cpu->vif &= w->keep_if;
	cpu->eflags &= ~(EFLAGS_TF | EFLAGS_NT | EFLAGS_VM | EFLAGS_RF);
	cpu->shadow = 0;
	cpu->cpl = 0;
}

/* Eight bytes that can be read without looking. */
bool ring_way_see(struct cpu *cpu, gla_t gla, struct cpu_seen *s);
/* The segment that sel names at this level, if the last load tells. Only the GDT's are kept. */
bool ring_way_see_segment(struct cpu *cpu, const struct cpu_load *last, u16 sel, unsigned cpl,
			  struct cpu_segment *out, struct cpu_seen *seen);
/* A present interrupt or trap gate. */
bool ring_way_see_gate(struct cpu *cpu, u8 vector, struct cpu_way_in *w);
/* The gate's code segment, of CPL 0 and not conforming. */
bool ring_way_see_code(struct cpu *cpu, struct cpu_way_in *w);
