/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints in DR0..DR3 (SDM 3B 17.2) and the debug traps that they and TF cause.
 *
 *   DR7:  31 30 29 28 | .. | 19 18 17 16 | 13 | 9  8  | 7  6  .. 1  0
 *          LEN3  R/W3   ..   LEN0  R/W0    GD   GE LE   G3 L3 .. G0 L0
 *
 * Data and I/O breakpoints are traps: the accessors note what an instruction met in
 * cpu->debug_hits, and the #DB comes after it. Instruction breakpoints are faults, before it. The
 * What costs time is by page (cpu->watch): accesses to a page with a data breakpoint come to the
 * accessors, one by one, since the environment lets them fault and the TLB of the C code has no
 * right to be direct there; code of a page with an instruction breakpoint is run an instruction at
 * a time. Everything else runs as if there were none.
 */
#include "emu/cpu/semantics.h"
#include "emu/cpu/stops.h"
#include "kernel/base/string.h"

enum { RW_EXEC, RW_WRITE, RW_PORT, RW_ACCESS };

static unsigned rw_of(const struct cpu *cpu, unsigned n)
{
	return cpu->dr[7] >> (16 + 4 * n) & 3;
}

static u32 len_of(const struct cpu *cpu, unsigned n)
{
	static const u8 len[] = { 1, 2, 8, 4 };

	return len[cpu->dr[7] >> (18 + 4 * n) & 3];
}

static bool enabled(const struct cpu *cpu, unsigned n)
{
	return cpu->dr[7] >> (2 * n) & 3;
}

/* Do [address, + len) and breakpoint n overlap? Its low address bits do not count (SDM 3B 17.2.5).
 */
static bool meets(const struct cpu *cpu, unsigned n, u32 address, u32 len)
{
	u32 size = len_of(cpu, n), start = cpu->dr[n] & ~(size - 1);

	return address - start < size || start - address < len;
}

static void add_page(gla_t *page, u8 *pages, gla_t gla)
{
	gla &= ~(PAGE_SIZE - 1);
	for (unsigned i = 0; i < *pages; i++)
		if (page[i] == gla)
			return;
	page[(*pages)++] = gla;
}

/* cpu_stop_add() has seen to it that there is room. */
static void add_stops(const struct cpu *cpu, struct cpu_watch *w)
{
	for (unsigned i = 0; i < cpu->stops.count; i++) {
		const struct cpu_stop *s = &cpu->stops.at[i];

		if (s->kind < STOP_WRITE || s->kind > STOP_ACCESS)
			continue;
		for (gla_t page = s->gla >> PAGE_SHIFT; page <= (s->gla + s->len - 1) >> PAGE_SHIFT;
		     page++)
			add_page(w->data, &w->datas, page << PAGE_SHIFT);
	}
}

static struct cpu_watch pages_of(const struct cpu *cpu)
{
	struct cpu_watch w = { 0 };

	for (unsigned n = 0; n < 4; n++) {
		if (!enabled(cpu, n))
			continue;
		if (rw_of(cpu, n) == RW_EXEC)
			add_page(w.code, &w.codes, cpu->dr[n]);
		else if (rw_of(cpu, n) != RW_PORT)
			add_page(w.data, &w.datas, cpu->dr[n]);
	}
	w.guests = w.datas;
	add_stops(cpu, &w);
	return w;
}

static void code_breakpoints_changed(struct cpu *cpu)
{
	if (cpu->code)
		cpu->code->breakpoints_changed(cpu);
}

void cpu_debug_changed(struct cpu *cpu)
{
	const struct cpu_watch was = cpu->watch;

	cpu->watch = pages_of(cpu);
	if (memcmp(was.code, cpu->watch.code, sizeof(was.code)) || was.codes != cpu->watch.codes)
		code_breakpoints_changed(cpu);
	if (memcmp(was.data, cpu->watch.data, sizeof(was.data)) || was.datas != cpu->watch.datas ||
	    was.guests != cpu->watch.guests) {
		softtlb_flush(cpu);
		cpu_env(cpu)->watch_changed(cpu);
	}
}

bool cpu_debug_data_meets(const struct cpu *cpu, gla_t gla, unsigned len, bool write)
{
	for (unsigned n = 0; n < 4; n++)
		if (enabled(cpu, n) &&
		    (rw_of(cpu, n) == RW_ACCESS || (write && rw_of(cpu, n) == RW_WRITE)) &&
		    meets(cpu, n, gla, len))
			return true;
	return cpu_stop_data_meets(cpu, gla, len, write);
}

void cpu_debug_data(struct cpu *cpu, gla_t gla, unsigned len, bool write)
{
	for (unsigned n = 0; n < 4; n++)
		if (enabled(cpu, n) &&
		    (rw_of(cpu, n) == RW_ACCESS || (write && rw_of(cpu, n) == RW_WRITE)) &&
		    meets(cpu, n, gla, len))
			cpu->debug_hits |= 1u << n;
	if (cpu->stops.count)
		cpu_stop_data(cpu, gla, len, write);
}

void cpu_debug_port(struct cpu *cpu, u16 port, unsigned size)
{
	if (!(cpu->cr4 & CR4_DE)) /* R/W = 10b means nothing without it */
		return;
	for (unsigned n = 0; n < 4; n++)
		if (enabled(cpu, n) && rw_of(cpu, n) == RW_PORT && meets(cpu, n, port, size))
			cpu->debug_hits |= 1u << n;
}

enum cpu_result cpu_debug_fetch(struct cpu *cpu)
{
	gla_t gla = cpu->seg[SEG_CS].base + cpu->eip;
	u32 hits = 0;

	if ((cpu->eflags & EFLAGS_RF) || cpu->shadow == CPU_SHADOW_MOV_SS)
		return CPU_NEXT;
	for (unsigned n = 0; n < 4; n++)
		if (enabled(cpu, n) && rw_of(cpu, n) == RW_EXEC && meets(cpu, n, gla, 1))
			hits |= 1u << n;
	if (!hits)
		return CPU_NEXT;
	cpu->fault = (struct cpu_fault){ .vector = VEC_DB, .addr = hits, .keep_rf = true };
	return CPU_FAULT;
}

enum cpu_result cpu_debug_trap(struct cpu *cpu, u32 bits)
{
	bits |= cpu->debug_hits;
	if (!bits || cpu->shadow == CPU_SHADOW_MOV_SS)
		return CPU_NEXT;
	cpu->debug_hits = 0;
	cpu->fault = (struct cpu_fault){ .vector = VEC_DB, .addr = bits, .keep_rf = true };
	return CPU_FAULT;
}
