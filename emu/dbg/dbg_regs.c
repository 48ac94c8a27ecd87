/* SPDX-License-Identifier: MIT */
/*
 * Registers.
 */
#include "emu/dbg/dbg_regs.h"

#include "emu/cpu/semantics.h"
#include "kernel/base/string.h"

#define EIP	 8
#define EFLAGS	 9
#define SEGMENTS 10
#define CRS	 (SEGMENTS + SEG_COUNT)
#define DRS	 (CRS + 4)
#define PARTS	 (DRS + 6)

static const char *const names[] = {
	"eax",	  "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", "eip",
	"eflags", "es",	 "cs",	"ss",  "ds",  "fs",  "gs",  "cr0", "cr2",
	"cr3",	  "cr4", "dr0", "dr1", "dr2", "dr3", "dr6", "dr7",
};
_Static_assert(ARRAY_SIZE(names) == PARTS, "each has a name");
/* Numbered behind them: bits of one. */
static const struct part {
	const char *name;
	u8 whole, shift, bits;
} parts[] = {
	{ "ax", 0, 0, 16 },   { "cx", 1, 0, 16 },	  { "dx", 2, 0, 16 }, { "bx", 3, 0, 16 },
	{ "sp", 4, 0, 16 },   { "bp", 5, 0, 16 },	  { "si", 6, 0, 16 }, { "di", 7, 0, 16 },
	{ "al", 0, 0, 8 },    { "cl", 1, 0, 8 },	  { "dl", 2, 0, 8 },  { "bl", 3, 0, 8 },
	{ "ah", 0, 8, 8 },    { "ch", 1, 8, 8 },	  { "dh", 2, 8, 8 },  { "bh", 3, 8, 8 },
	{ "ip", EIP, 0, 16 }, { "flags", EFLAGS, 0, 16 },
};

static u32 mask_of(const struct part *p)
{
	return (BIT(p->bits) - 1) << p->shift;
}

static const u8 cr_number[] = { 0, 2, 3, 4 }, dr_number[] = { 0, 1, 2, 3, 6, 7 };

int dbg_register_find(const char *name)
{
	const char *known;

	for (unsigned i = 0; (known = dbg_register_name(i)); i++)
		if (!strcmp(name, known))
			return (int)i;
	return -1;
}

const char *dbg_register_name(unsigned i)
{
	if (i < PARTS)
		return names[i];
	return i < PARTS + ARRAY_SIZE(parts) ? parts[i - PARTS].name : NULL;
}

u32 dbg_register_value(const struct cpu *cpu, int n)
{
	const u32 cr[] = { cpu->cr0, cpu->cr2, cpu->cr3, cpu->cr4 };

	if (n >= PARTS) {
		const struct part *p = &parts[n - PARTS];

		return (dbg_register_value(cpu, p->whole) & mask_of(p)) >> p->shift;
	}
	if (n < EIP)
		return cpu->gpr[n];
	if (n == EIP)
		return cpu->eip;
	if (n == EFLAGS)
		return cpu_eflags(cpu);
	if (n < CRS)
		return cpu->seg[n - SEGMENTS].sel;
	return n < DRS ? cr[n - CRS] : cpu->dr[dr_number[n - DRS]];
}

bool dbg_register(const struct cpu *cpu, const char *name, u32 *value)
{
	int n = dbg_register_find(name);

	if (n >= 0)
		*value = dbg_register_value(cpu, n);
	return n >= 0;
}

/* --- Changes */

static bool loads_plainly(const struct cpu *cpu)
{
	return !cpu_protected(cpu) || cpu_v86(cpu);
}

static const char *set_segment(struct cpu *cpu, enum cpu_seg s, u32 value)
{
	const struct cpu_fault fault = cpu->fault;

	if (value > 0xffff)
		return "a selector has 16 bits";
	if (value == cpu->seg[s].sel)
		return NULL;
	if (loads_plainly(cpu)) {
		cpu->seg[s].sel = (u16)value;
		cpu->seg[s].base = value << 4;
		return NULL;
	}
	if (s == SEG_CS || s == SEG_SS)
		return "CS and SS stay in protected mode";
	if (cpu_load_segment(cpu, s, (u16)value) == CPU_NEXT)
		return NULL;
	cpu->fault = fault;
	return "loading this selector would fault";
}

static const char *set_cr(struct cpu *cpu, unsigned n, u32 value)
{
	const struct cpu_fault fault = cpu->fault;

	if (n == 2) {
		cpu->cr2 = value;
		return NULL;
	}
	if (n == 0 && ((value ^ cpu->cr0) & CR0_PE))
		return "PE stays: the segments belong to the mode";
	if (cpu_write_cr(cpu, n, value) != CPU_FAULT)
		return NULL;
	cpu->fault = fault;
	return "writing this value would fault";
}

static const char *set_part(struct cpu *cpu, const struct part *p, u32 value)
{
	u32 whole = dbg_register_value(cpu, p->whole);

	if (value >> p->bits)
		return p->bits == 8 ? "the register has 8 bits" : "the register has 16 bits";
	return dbg_register_set(cpu, names[p->whole], (whole & ~mask_of(p)) | value << p->shift);
}

const char *dbg_register_set(struct cpu *cpu, const char *name, u32 value)
{
	int n = dbg_register_find(name);

	if (n < 0)
		return "there is no such register";
	if (n >= PARTS)
		return set_part(cpu, &parts[n - PARTS], value);
	if (n < EIP) {
		cpu->gpr[n] = value;
	} else if (n == EIP) {
		cpu->eip = value;
	} else if (n == EFLAGS) {
		if ((value ^ cpu_eflags(cpu)) & EFLAGS_VM)
			return "VM stays: the segments belong to the mode";
		cpu_set_eflags(cpu, value);
	} else if (n < CRS) {
		return set_segment(cpu, (enum cpu_seg)(n - SEGMENTS), value);
	} else if (n < DRS) {
		return set_cr(cpu, cr_number[n - CRS], value);
	} else {
		cpu->dr[dr_number[n - DRS]] = cpu_dr_image(dr_number[n - DRS], value);
		cpu_debug_changed(cpu);
	}
	return NULL;
}

/* --- Segments */

static bool base_of_selector(struct cpu *cpu, u16 sel, u32 *base)
{
	const struct cpu_fault fault = cpu->fault;
	struct cpu_segment s;
	u32 desc[2];
	gla_t gla;

	if (loads_plainly(cpu)) {
		*base = (u32)sel << 4;
		return true;
	}
	if (!(sel & 0xfffc) || cpu_read_descriptor(cpu, sel, VEC_GP, desc, &gla) != CPU_NEXT) {
		cpu->fault = fault;
		return false;
	}
	cpu_unpack_descriptor(sel, desc[0], desc[1], &s);
	*base = s.base;
	return (s.attr & (SEG_ATTR_S | SEG_ATTR_P)) == (SEG_ATTR_S | SEG_ATTR_P);
}

int dbg_segment_register(const char *name)
{
	int n = dbg_register_find(name);

	return n >= SEGMENTS && n < CRS ? n - SEGMENTS : -1;
}

bool dbg_segment_base(struct cpu *cpu, const char *name, u32 *base)
{
	int s = dbg_segment_register(name);
	u64 sel;

	if (s >= 0) {
		*base = cpu->seg[s].base;
		return true;
	}
	return !str_to_u64(name, &sel) && sel <= 0xffff && base_of_selector(cpu, (u16)sel, base);
}

static const char *system_type(u16 attr)
{
	static const char *const type[16] = {
		"reserved",    "tss16",	    "ldt",	  "tss16 busy",
		"call gate16", "task gate", "int gate16", "trap gate16",
		"reserved",    "tss32",	    "reserved",	  "tss32 busy",
		"call gate32", "reserved",  "int gate32", "trap gate32",
	};

	return type[attr & SEG_ATTR_TYPE];
}

void dbg_add_segment(struct dbg_line *l, const struct cpu_segment *s)
{
	const char *size = s->attr & SEG_ATTR_DB ? "32" : "16";
	bool code = s->attr & SEG_ATTR_CODE;

	dbg_add(l, "base=%08x limit=%08x ", s->base, s->limit);
	if (s->attr & SEG_ATTR_UNUSABLE) {
		dbg_add(l, "unusable");
		return;
	}
	if (!(s->attr & SEG_ATTR_S))
		dbg_add(l, "%s", system_type(s->attr));
	else if (code)
		dbg_add(l, "code%s %s%s", size, s->attr & SEG_ATTR_WRITE ? "r-x" : "--x",
			s->attr & SEG_ATTR_DOWN ? " conforming" : "");
	else
		dbg_add(l, "data%s %s%s", size, s->attr & SEG_ATTR_WRITE ? "rw-" : "r--",
			s->attr & SEG_ATTR_DOWN ? " down" : "");
	dbg_add(l, " dpl=%u%s%s", SEG_ATTR_DPL(s->attr), s->attr & SEG_ATTR_P ? "" : " absent",
		s->attr & SEG_ATTR_S && s->attr & SEG_ATTR_ACCESSED ? " accessed" : "");
}

/* --- All of them */

void dbg_add_mode(struct dbg_line *l, const struct cpu *cpu)
{
	if (!cpu_protected(cpu))
		dbg_add(l, "real mode");
	else if (cpu_v86(cpu))
		dbg_add(l, "virtual-8086 mode");
	else
		dbg_add(l, "protected mode, %s bits, cpl %u",
			cpu->seg[SEG_CS].attr & SEG_ATTR_DB ? "32" : "16", cpu->cpl);
	if (cpu_paging(cpu))
		dbg_add(l, ", paging%s", cpu->cr4 & CR4_PAE ? " (PAE)" : "");
	if (cpu->halted)
		dbg_add(l, ", halted");
	if (cpu->shadow)
		dbg_add(l, ", interrupts wait for one instruction");
}

static void print_general(const struct cpu *c, const struct dbg_out *out)
{
	static const char *const flag[] = { "CF", NULL, "PF", NULL,  "AF",  NULL, "ZF", "SF",
					    "TF", "IF", "DF", "OF",  NULL,  NULL, "NT", NULL,
					    "RF", "VM", "AC", "VIF", "VIP", "ID" };
	struct dbg_line l = { .len = 0 };

	dbg_print(out, "eax=%08x ebx=%08x ecx=%08x edx=%08x", c->gpr[REG_EAX], c->gpr[REG_EBX],
		  c->gpr[REG_ECX], c->gpr[REG_EDX]);
	dbg_print(out, "esi=%08x edi=%08x ebp=%08x esp=%08x", c->gpr[REG_ESI], c->gpr[REG_EDI],
		  c->gpr[REG_EBP], c->gpr[REG_ESP]);
	dbg_add(&l, "eip=%08x eflags=%08x iopl=%u", c->eip, cpu_eflags(c),
		(c->eflags & EFLAGS_IOPL) >> 12);
	dbg_add_bits(&l, cpu_eflags(c), flag, ARRAY_SIZE(flag));
	dbg_end(&l, out);
	dbg_add_mode(&l, c);
	dbg_end(&l, out);
}

static void print_segment(const char *name, const struct cpu_segment *s, const struct dbg_out *out)
{
	struct dbg_line l = { .len = 0 };

	dbg_add(&l, "%-4s %04x ", name, s->sel);
	dbg_add_segment(&l, s);
	dbg_end(&l, out);
}

static void print_control(const struct cpu *c, const struct dbg_out *out)
{
	static const char *const cr0[32] = { "PE",	  "MP",	       "EM",	    "TS",
					     "ET",	  "NE",	       [16] = "WP", [18] = "AM",
					     [29] = "NW", [30] = "CD", [31] = "PG" };
	static const char *const cr4[32] = { "VME",
					     "PVI",
					     "TSD",
					     "DE",
					     "PSE",
					     "PAE",
					     "MCE",
					     "PGE",
					     "PCE",
					     "OSFXSR",
					     "OSXMMEXCPT",
					     "UMIP",
					     [18] = "OSXSAVE",
					     [20] = "SMEP",
					     [21] = "SMAP" };
	static const char *const efer[32] = { [0] = "SCE", [11] = "NXE" };
	struct dbg_line l = { .len = 0 };

	dbg_add(&l, "cr0=%08x", c->cr0);
	dbg_add_bits(&l, c->cr0, cr0, 32);
	dbg_end(&l, out);
	dbg_print(out, "cr2=%08x cr3=%08x", c->cr2, c->cr3);
	dbg_add(&l, "cr4=%08x", c->cr4);
	dbg_add_bits(&l, c->cr4, cr4, 32);
	dbg_add(&l, "  efer=%08x", (u32)c->msr.efer);
	dbg_add_bits(&l, (u32)c->msr.efer, efer, 32);
	dbg_end(&l, out);
	dbg_print(out, "dr0=%08x dr1=%08x dr2=%08x dr3=%08x dr6=%08x dr7=%08x", c->dr[0], c->dr[1],
		  c->dr[2], c->dr[3], c->dr[6], c->dr[7]);
	dbg_print(out, "sysenter cs=%04x esp=%08x eip=%08x", (u32)c->msr.sysenter_cs & 0xffff,
		  (u32)c->msr.sysenter_esp, (u32)c->msr.sysenter_eip);
}

void dbg_print_regs(const struct cpu *c, const struct dbg_out *out)
{
	static const u8 order[] = { SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS };

	print_general(c, out);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		print_segment(names[SEGMENTS + order[i]], &c->seg[order[i]], out);
	print_segment("ldtr", &c->ldtr, out);
	print_segment("tr", &c->tr, out);
	dbg_print(out, "gdtr base=%08x limit=%04x  idtr base=%08x limit=%04x", c->gdtr.base,
		  c->gdtr.limit, c->idtr.base, c->idtr.limit);
	print_control(c, out);
}
