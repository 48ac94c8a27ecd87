/* SPDX-License-Identifier: MIT */
/*
 * Each fault but the first came while the one in front of it was delivered: of what the processor
 * uses for that (SDM 3A 6.12), its address or its error code says what failed.
 */
#include "emu/dbg/dbg_chain.h"

#include "emu/cpu/transfer.h"
#include "emu/dbg/dbg_mem.h"

#define ERROR_IDT 2u /* of a selector error code (SDM 3A 6.13) */
#define ERROR_LDT 4u

static const struct {
	const char *name, *meaning;
} exception[] = {
	{ "#DE", "divide error" },
	{ "#DB", "debug" },
	{ "NMI", "non-maskable interrupt" },
	{ "#BP", "breakpoint" },
	{ "#OF", "overflow" },
	{ "#BR", "bound range exceeded" },
	{ "#UD", "undefined opcode" },
	{ "#NM", "no FPU" },
	{ "#DF", "double fault" },
	{ "#9", "coprocessor segment overrun" },
	{ "#TS", "invalid TSS" },
	{ "#NP", "segment not present" },
	{ "#SS", "stack segment fault" },
	{ "#GP", "general protection" },
	{ "#PF", "page fault" },
	{ "#15", "reserved" },
	{ "#MF", "x87 error" },
	{ "#AC", "alignment check" },
	{ "#MC", "machine check" },
	{ "#XM", "SIMD error" },
};

const char *dbg_exception_name(u8 vector)
{
	return vector < ARRAY_SIZE(exception) ? exception[vector].name : "exception";
}

static bool is_interrupt(const struct cpu *cpu, unsigned i)
{
	return !i && cpu->stops.chain_of_interrupt;
}

static void add_fault(struct dbg_line *l, const struct cpu *cpu, unsigned i)
{
	const struct cpu_fault *f = &cpu->stops.chain[i];

	if (is_interrupt(cpu, i)) {
		dbg_add(l, "interrupt %02x", f->vector);
		return;
	}
	dbg_add(l, "%s", dbg_exception_name(f->vector));
	if (f->vector == VEC_PF)
		dbg_add(l, " of %x at %08x", f->error, f->addr);
	else if (f->has_error)
		dbg_add(l, "(%x)", f->error);
}

void dbg_add_chain(struct dbg_line *l, const struct cpu *cpu)
{
	for (unsigned i = 0; i < cpu->stops.chain_length; i++) {
		dbg_add(l, "%s", i ? ", then " : "");
		add_fault(l, cpu, i);
	}
}

/* --- In words */

static void add_page_fault(struct dbg_line *l, const struct cpu_fault *f)
{
	dbg_add(l, "%s of %08x by %s, ",
		f->error & PF_I	  ? "fetch"
		: f->error & PF_W ? "write"
				  : "read",
		f->addr, f->error & PF_U ? "a program" : "the system");
	dbg_add(l, "%s",
		f->error & PF_RSVD ? "where an entry has a reserved bit set"
		: f->error & PF_P  ? "where the page does not allow it"
				   : "where no page is");
}

/* Which of the structures that deliver an event lies there. */
static void add_structure(struct dbg_line *l, const struct cpu *cpu, const struct cpu_fault *f)
{
	if (f->addr - cpu->idtr.base <= cpu->idtr.limit)
		dbg_add(l, ": in the IDT, gate %02x", (f->addr - cpu->idtr.base) / 8);
	else if (f->addr - cpu->gdtr.base <= cpu->gdtr.limit)
		dbg_add(l, ": in the GDT, descriptor %04x", (f->addr - cpu->gdtr.base) & ~7u);
	else if (f->addr - cpu->tr.base <= cpu->tr.limit)
		dbg_add(l, ": in the TSS, at %x", f->addr - cpu->tr.base);
	else if (f->error & PF_W)
		dbg_add(l, ": the handler's stack");
}

/* The gate of the event that was delivered. */
static void add_gate(struct dbg_line *l, struct cpu *cpu, u8 vector)
{
	u32 gate[2];

	if (vector * 8u + 7 > cpu->idtr.limit) {
		dbg_add(l, "gate %02x lies beyond the IDT, whose limit is %04x", vector,
			cpu->idtr.limit);
		return;
	}
	dbg_add(l, "gate %02x of the IDT", vector);
	if (dbg_read(cpu, cpu->idtr.base + vector * 8u, gate, 8) < 8)
		return;
	dbg_add(l, ", %08x%08x, is %s", gate[1], gate[0],
		gate[1] & DESC_P ? "no gate of an interrupt" : "marked absent");
}

static void add_selector(struct dbg_line *l, const struct cpu_fault *f)
{
	u32 sel = f->error & 0xfff8;

	if (f->vector == VEC_SS && !sel)
		dbg_add(l, "the stack has no room");
	else if (f->vector == VEC_SS)
		dbg_add(l, "the inner stack, selector %04x, has no room or is absent", sel);
	else if (f->vector == VEC_TS)
		dbg_add(l, "selector %04x, of the TSS or of a stack that it names", sel);
	else if (f->vector == VEC_NP)
		dbg_add(l, "selector %04x, which it needs, is marked absent", sel);
	else if (!sel)
		dbg_add(l, "the gate has a null selector, or an address beyond its segment");
	else
		dbg_add(l, "the handler's selector %04x names no code of its level in the %s", sel,
			f->error & ERROR_LDT ? "LDT" : "GDT");
}

static void add_reason_real(struct dbg_line *l, const struct cpu *cpu, u8 vector)
{
	if (vector * 4u + 3 > cpu->idtr.limit)
		dbg_add(l, "vector %02x lies beyond the table of vectors, whose limit is %04x",
			vector, cpu->idtr.limit);
	else
		dbg_add(l, "the stack has no room, ss:sp=%04x:%04x", cpu->seg[SEG_SS].sel,
			cpu->gpr[REG_ESP] & 0xffff);
}

/* f came while `vector` was delivered. */
static void add_reason(struct dbg_line *l, struct cpu *cpu, u8 vector, const struct cpu_fault *f)
{
	if (f->vector == VEC_PF) {
		add_page_fault(l, f);
		add_structure(l, cpu, f);
	} else if (!cpu_protected(cpu)) {
		add_reason_real(l, cpu, vector);
	} else if (f->has_error && f->error & ERROR_IDT) {
		add_gate(l, cpu, vector);
	} else if (f->has_error) {
		add_selector(l, f);
	}
}

/* INT n has no handler of its own to miss: its fault is the first. */
static void add_first(struct dbg_line *l, struct cpu *cpu, const struct cpu_fault *f)
{
	bool interrupt = is_interrupt(cpu, 0);

	if (!interrupt && f->vector < ARRAY_SIZE(exception))
		dbg_add(l, ", %s", exception[f->vector].meaning);
	if (f->vector == VEC_PF && !interrupt) {
		dbg_add(l, ": ");
		add_page_fault(l, f);
	} else if (f->has_error && f->error & ERROR_IDT && !interrupt) {
		dbg_add(l, ": ");
		add_gate(l, cpu, (u8)(f->error >> 3));
	}
	dbg_add(l, "; at %04x:%08x", cpu->seg[SEG_CS].sel, cpu->eip);
}

void dbg_print_chain(struct cpu *cpu, const struct dbg_out *out)
{
	const struct cpu_fault *chain = cpu->stops.chain;
	unsigned n = cpu->stops.chain_length;

	for (unsigned i = 0; i < n; i++) {
		struct dbg_line l = { .len = 0 };

		dbg_add(&l, "%u. ", i + 1);
		add_fault(&l, cpu, i);
		if (!i) {
			add_first(&l, cpu, &chain[i]);
		} else if (chain[i].vector == VEC_DF) {
			dbg_add(&l, ", double fault: two such faults, one inside the delivery of "
				    "the other");
		} else {
			dbg_add(&l, " in place of its handler: ");
			add_reason(&l, cpu, chain[i - 1].vector, &chain[i]);
		}
		dbg_end(&l, out);
	}
	if (n > 1 && chain[n - 2].vector == VEC_DF)
		dbg_print(out, "%u. shutdown: nothing is left that could be delivered", n + 1);
}
