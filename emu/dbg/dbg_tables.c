/* SPDX-License-Identifier: MIT */
/*
 * What the processor's tables in memory say.
 */
#include "emu/dbg/dbg_tables.h"

#include "emu/cpu/transfer.h"
#include "emu/dbg/dbg_mem.h"
#include "emu/dbg/dbg_symbols.h"
#include "emu/dbg/dbg_regs.h"
#include "kernel/base/string.h"

/* --- Descriptors */

static bool is_gate(u32 hi)
{
	return !(hi & DESC_S) && (DESC_TYPE(hi) & 4);
}

static void add_gate(struct dbg_line *l, const u32 desc[2])
{
	static const char *const name[16] = {
		[4] = "call gate16",  [5] = "task gate",   [6] = "int gate16",	[7] = "trap gate16",
		[12] = "call gate32", [14] = "int gate32", [15] = "trap gate32"
	};
	unsigned type = DESC_TYPE(desc[1]);
	u32 offset = (desc[0] & 0xffff) | (type >= 8 ? desc[1] & 0xffff0000 : 0);

	dbg_add(l, "%-11s ", name[type] ? name[type] : "no gate");
	if (type == SYS_TASK_GATE)
		dbg_add(l, "tss %04x", desc[0] >> 16);
	else
		dbg_add(l, "%04x:%08x", desc[0] >> 16, offset);
	dbg_add(l, " dpl=%u%s", DESC_DPL(desc[1]), desc[1] & DESC_P ? "" : " absent");
}

static void add_descriptor(struct dbg_line *l, u16 sel, const u32 desc[2])
{
	struct cpu_segment s;

	if (is_gate(desc[1])) {
		add_gate(l, desc);
		return;
	}
	cpu_unpack_descriptor(sel, desc[0], desc[1], &s);
	dbg_add_segment(l, &s);
}

static void print_descriptors(struct cpu *cpu, gla_t base, u32 limit, u16 table, unsigned first,
			      unsigned n, const struct dbg_out *out)
{
	unsigned entries = (limit + 1) / 8, i = first, shown = 0;

	for (; i < entries && shown < n; i++) {
		struct dbg_line l = { .len = 0 };
		u16 sel = (u16)(i * 8 | table);
		u32 desc[2];

		if (dbg_read(cpu, base + i * 8, desc, 8) < 8) {
			dbg_print(out, "%04x  not mapped at %08x", sel, base + i * 8);
			return;
		}
		if (!desc[0] && !desc[1])
			continue;
		dbg_add(&l, "%04x  ", sel);
		add_descriptor(&l, sel, desc);
		dbg_end(&l, out);
		shown++;
	}
	if (i < entries)
		dbg_print(out, "... from entry %u on: %u more of %u", i, entries - i, entries);
	else if (!shown)
		dbg_print(out, "nothing from entry %u on: the table has %u", first, entries);
}

void dbg_print_gdt(struct cpu *cpu, unsigned first, unsigned n, const struct dbg_out *out)
{
	dbg_print(out, "gdt at %08x, limit %04x", cpu->gdtr.base, cpu->gdtr.limit);
	print_descriptors(cpu, cpu->gdtr.base, cpu->gdtr.limit, 0, first, n, out);
}

void dbg_print_ldt(struct cpu *cpu, unsigned first, unsigned n, const struct dbg_out *out)
{
	if ((cpu->ldtr.attr & SEG_ATTR_UNUSABLE) || !(cpu->ldtr.sel & 0xfffc)) {
		dbg_print(out, "there is no ldt");
		return;
	}
	dbg_print(out, "ldt %04x at %08x, limit %08x", cpu->ldtr.sel, cpu->ldtr.base,
		  cpu->ldtr.limit);
	print_descriptors(cpu, cpu->ldtr.base, MIN(cpu->ldtr.limit, 0xffffu), 4, first, n, out);
}

static void print_vectors(struct cpu *cpu, unsigned first, unsigned n, const struct dbg_out *out)
{
	for (unsigned v = first; v < first + n && v < 256 && v * 4 + 3 <= cpu->idtr.limit; v++) {
		u16 to[2];

		if (dbg_read(cpu, cpu->idtr.base + v * 4, to, 4) < 4)
			return;
		dbg_print(out, "%02x  %04x:%04x", v, to[1], to[0]);
	}
}

void dbg_print_idt(struct cpu *cpu, unsigned first, unsigned n, const struct dbg_out *out)
{
	dbg_print(out, "idt at %08x, limit %04x%s", cpu->idtr.base, cpu->idtr.limit,
		  cpu_protected(cpu) ? "" : ", vectors of real mode");
	if (!cpu_protected(cpu)) {
		print_vectors(cpu, first, n, out);
		return;
	}
	for (unsigned v = first; v < first + n && v < 256 && v * 8 + 7 <= cpu->idtr.limit; v++) {
		struct dbg_line l = { .len = 0 };
		u32 gate[2];

		if (dbg_read(cpu, cpu->idtr.base + v * 8, gate, 8) < 8) {
			dbg_print(out, "%02x  not mapped at %08x", v, cpu->idtr.base + v * 8);
			return;
		}
		dbg_add(&l, "%02x  ", v);
		add_gate(&l, gate);
		dbg_end(&l, out);
	}
}

/* SDM 3A figures 7-2 and 7-11. */
static void print_tss32(const u32 *t, const struct dbg_out *out)
{
	dbg_print(out, "link=%04x ss0:esp0=%04x:%08x ss1:esp1=%04x:%08x ss2:esp2=%04x:%08x",
		  t[0] & 0xffff, t[2] & 0xffff, t[1], t[4] & 0xffff, t[3], t[6] & 0xffff, t[5]);
	dbg_print(out, "cr3=%08x eip=%08x eflags=%08x ldt=%04x io map at %04x%s", t[7], t[8], t[9],
		  t[24] & 0xffff, t[25] >> 16, t[25] & 1 ? " T" : "");
	dbg_print(out, "eax=%08x ecx=%08x edx=%08x ebx=%08x", t[10], t[11], t[12], t[13]);
	dbg_print(out, "esp=%08x ebp=%08x esi=%08x edi=%08x", t[14], t[15], t[16], t[17]);
	dbg_print(out, "es=%04x cs=%04x ss=%04x ds=%04x fs=%04x gs=%04x", t[18] & 0xffff,
		  t[19] & 0xffff, t[20] & 0xffff, t[21] & 0xffff, t[22] & 0xffff, t[23] & 0xffff);
}

static void print_tss16(const u16 *t, const struct dbg_out *out)
{
	dbg_print(out, "link=%04x ss0:sp0=%04x:%04x ss1:sp1=%04x:%04x ss2:sp2=%04x:%04x", t[0],
		  t[2], t[1], t[4], t[3], t[6], t[5]);
	dbg_print(out, "ip=%04x flags=%04x ax=%04x cx=%04x dx=%04x bx=%04x sp=%04x bp=%04x", t[7],
		  t[8], t[9], t[10], t[11], t[12], t[13], t[14]);
	dbg_print(out, "si=%04x di=%04x es=%04x cs=%04x ss=%04x ds=%04x ldt=%04x", t[15], t[16],
		  t[17], t[18], t[19], t[20], t[21]);
}

void dbg_print_tss(struct cpu *cpu, const struct dbg_out *out)
{
	bool tss32 = cpu->tr.attr & 8;
	u32 t[26] = { 0 };
	u16 half[22];
	unsigned size = tss32 ? 104 : 44;

	if (!(cpu->tr.sel & 0xfffc)) {
		dbg_print(out, "there is no tss: tr is %04x", cpu->tr.sel);
		return;
	}
	dbg_print(out, "tss%s %04x at %08x, limit %08x", tss32 ? "32" : "16", cpu->tr.sel,
		  cpu->tr.base, cpu->tr.limit);
	if (dbg_read(cpu, cpu->tr.base, t, size) < size) {
		dbg_print(out, "not mapped");
		return;
	}
	memcpy(half, t, sizeof(half));
	if (tss32)
		print_tss32(t, out);
	else
		print_tss16(half, out);
}

/* --- Pages */

void dbg_add_pte(struct dbg_line *l, u64 e)
{
	static const char *const bit[] = { "P", "W", "U", "PWT", "PCD", "A", "D", "PS", "G" };

	dbg_add(l, "%08llx", (unsigned long long)e);
	dbg_add_bits(l, (u32)e & 0x1ff, bit, ARRAY_SIZE(bit));
	if (e & PTE_NX)
		dbg_add(l, " NX");
}

void dbg_print_walk(struct cpu *cpu, gla_t gla, const struct dbg_out *out)
{
	bool pae = cpu->cr4 & CR4_PAE;
	struct dbg_line l = { .len = 0 };
	struct pagewalk w = { 0 };
	u32 error;

	if (!cpu_paging(cpu)) {
		dbg_print(out, "guest   paging is off: %08x is physical", gla);
		return;
	}
	if (pae) {
		dbg_add(&l, "guest   pdpte ");
		dbg_add_pte(&l, cpu->pdpte[gla >> 30]);
		dbg_end(&l, out);
	}
	error = cpu_probe(cpu, gla, ACCESS_READ, &w);
	for (unsigned i = 0; i < w.levels; i++) {
		dbg_add(&l, "guest   %s   at %08llx ", i ? "pte" : "pde",
			(unsigned long long)w.entry_gpa[i]);
		dbg_add_pte(&l, w.entries[i]);
		dbg_end(&l, out);
	}
	if (error) {
		dbg_print(out, "guest   #PF %x of a read by cpl 0", error & ~BIT(31));
		return;
	}
	dbg_print(out, "guest   %08x -> %09llx, %s, %s%s%s%s", gla, (unsigned long long)w.gpa,
		  w.page_size == PAGE_SIZE ? "4 KiB"
		  : pae			   ? "2 MiB"
					   : "4 MiB",
		  w.user ? "user" : "supervisor", w.writable ? ", writable" : "",
		  w.executable ? "" : ", no execute", w.global ? ", global" : "");
}

/* --- Frames */

static void print_frame(const struct cpu *cpu, unsigned n, u32 eip, u32 bp,
			const struct dbg_out *out)
{
	gla_t gla = cpu->seg[SEG_CS].base + eip;
	struct dbg_line l = { .len = 0 };

	dbg_add(&l, "#%u  %08x  frame %08x", n, gla, bp);
	dbg_add_symbol(&l, cpu->stops.symbols, gla);
	dbg_end(&l, out);
}

void dbg_print_frames(struct cpu *cpu, unsigned n, const struct dbg_out *out)
{
	const struct cpu_segment *ss = &cpu->seg[SEG_SS];
	unsigned size = cpu->seg[SEG_CS].attr & SEG_ATTR_DB ? 4 : 2;
	u32 mask = size == 4 ? 0xffffffff : 0xffff, bp = cpu->gpr[REG_EBP] & mask;

	print_frame(cpu, 0, cpu->eip, bp, out);
	for (unsigned i = 1; i < n; i++) {
		u32 next = 0, ret = 0;

		if (!bp || dbg_read(cpu, ss->base + bp, &next, size) < size ||
		    dbg_read(cpu, ss->base + bp + size, &ret, size) < size)
			return;
		print_frame(cpu, i, ret, next, out);
		if (next <= bp) /* stacks grow downwards: there is no frame below */
			return;
		bp = next;
	}
}
