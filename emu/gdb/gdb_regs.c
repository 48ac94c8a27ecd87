/* SPDX-License-Identifier: MIT */
/*
 * gdb's registers.
 */
#include "emu/gdb/gdb_regs.h"

#include "emu/cpu/cpu_model.h"
#include "emu/cpu/env.h"
#include "emu/cpu/semantics.h"
#include "emu/dbg/dbg_regs.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

/* Places in the FXSAVE image (SDM 1 table 10-2). */
#define FX_CW	 0
#define FX_SW	 2
#define FX_TW	 4
#define FX_OP	 6
#define FX_IP	 8
#define FX_CS	 12
#define FX_DP	 16
#define FX_DS	 20
#define FX_MXCSR 24
#define FX_ST	 32

/* How a register is found. */
enum how {
	BY_NAME,   /* dbg_register() */
	LINEAR_IP, /* EIP, with CS's base */
	IMAGE,	   /* in the FXSAVE image, at `at`; so many bytes there in `bytes` */
	TAGS,	   /* the full tag word, of the abridged one */
	UPPER,	   /* the upper half of a YMM register, likewise */
	BASE,	   /* of segment `at` */
};

static const struct reg {
	const char *name, *type;
	u8 size;
	u8 how, bytes;
	u16 at;
} regs[GDB_REGS] = {
#define GENERAL(name, type)                  \
	{                                    \
		name, type, 4, BY_NAME, 4, 0 \
	}
	GENERAL("eax", "int32"),
	GENERAL("ecx", "int32"),
	GENERAL("edx", "int32"),
	GENERAL("ebx", "int32"),
	GENERAL("esp", "data_ptr"),
	GENERAL("ebp", "data_ptr"),
	GENERAL("esi", "int32"),
	GENERAL("edi", "int32"),
	{ "eip", "code_ptr", 4, LINEAR_IP, 4, 0 },
	GENERAL("eflags", "i386_eflags"),
	GENERAL("cs", "int32"),
	GENERAL("ss", "int32"),
	GENERAL("ds", "int32"),
	GENERAL("es", "int32"),
	GENERAL("fs", "int32"),
	GENERAL("gs", "int32"),
#define ST(n)                                                        \
	{                                                            \
		"st" #n, "i387_ext", 10, IMAGE, 10, FX_ST + 16 * (n) \
	}
	ST(0),
	ST(1),
	ST(2),
	ST(3),
	ST(4),
	ST(5),
	ST(6),
	ST(7),
	{ "fctrl", "int", 4, IMAGE, 2, FX_CW },
	{ "fstat", "int", 4, IMAGE, 2, FX_SW },
	{ "ftag", "int", 4, TAGS, 2, FX_TW },
	{ "fiseg", "int", 4, IMAGE, 2, FX_CS },
	{ "fioff", "int", 4, IMAGE, 4, FX_IP },
	{ "foseg", "int", 4, IMAGE, 2, FX_DS },
	{ "fooff", "int", 4, IMAGE, 4, FX_DP },
	{ "fop", "int", 4, IMAGE, 2, FX_OP },
#define XMM(n)                                                           \
	{                                                                \
		"xmm" #n, "vec128", 16, IMAGE, 16, XSTATE_XMM + 16 * (n) \
	}
	XMM(0),
	XMM(1),
	XMM(2),
	XMM(3),
	XMM(4),
	XMM(5),
	XMM(6),
	XMM(7),
	{ "mxcsr", "i386_mxcsr", 4, IMAGE, 4, FX_MXCSR },
	{ "cs_base", "int32", 4, BASE, 4, SEG_CS },
	{ "ss_base", "int32", 4, BASE, 4, SEG_SS },
	{ "ds_base", "int32", 4, BASE, 4, SEG_DS },
	{ "es_base", "int32", 4, BASE, 4, SEG_ES },
	{ "fs_base", "int32", 4, BASE, 4, SEG_FS },
	{ "gs_base", "int32", 4, BASE, 4, SEG_GS },
	GENERAL("cr0", "int32"),
	GENERAL("cr2", "int32"),
	GENERAL("cr3", "int32"),
	GENERAL("cr4", "int32"),
	GENERAL("dr7", "int32"),
#define YMM(n)                                                                \
	{                                                                     \
		"ymm" #n "h", "uint128", 16, UPPER, 16, XSTATE_AVX + 16 * (n) \
	}
	YMM(0),
	YMM(1),
	YMM(2),
	YMM(3),
	YMM(4),
	YMM(5),
	YMM(6),
	YMM(7),
};

/* Of the features: their first registers. */
#define FIRST_XMM    32u
#define FIRST_SYSTEM GDB_CORE
#define FIRST_YMM    52u

unsigned gdb_reg_size(unsigned n)
{
	return regs[n].size;
}

unsigned gdb_reg_parts(struct cpu *cpu)
{
	u32 id[4];

	cpu_env(cpu)->cpuid(cpu, 1, 0, id);
	return (id[3] & CPUID_SSE ? GDB_HAS_SSE : 0) | (id[2] & CPUID_AVX ? GDB_HAS_AVX : 0);
}

bool gdb_reg_there(unsigned parts, unsigned n)
{
	if (n >= FIRST_YMM)
		return n < GDB_REGS && parts & GDB_HAS_AVX;
	return n < FIRST_XMM || n >= FIRST_SYSTEM || parts & GDB_HAS_SSE;
}

/* --- Values */

/* Of each register two bits: valid or empty (SDM 1 10.5.1.1, without a look at the contents). ST(i)
 * is register TOP + i, and the tags are by register. */
static u16 full_tags(u8 abridged)
{
	u16 full = 0;

	for (unsigned i = 0; i < 8; i++)
		if (!(abridged & BIT(i)))
			full |= (u16)(3u << 2 * i);
	return full;
}

static u8 abridged_tags(u16 full)
{
	u8 abridged = 0;

	for (unsigned i = 0; i < 8; i++)
		if ((full >> 2 * i & 3) != 3)
			abridged |= (u8)BIT(i);
	return abridged;
}

void gdb_reg_read(struct cpu *cpu, unsigned n, u8 *value)
{
	const struct reg *r = &regs[n];
	u32 v = 0;

	switch ((enum how)r->how) {
	case BY_NAME:
		dbg_register(cpu, r->name, &v);
		break;
	case LINEAR_IP:
		v = cpu->seg[SEG_CS].base + cpu->eip;
		break;
	case IMAGE:
		memset(value, 0, r->size);
		memcpy(value, cpu->fpu.image + r->at, r->bytes);
		return;
	case UPPER:
		memset(value, 0, r->size);
		if (cpu->fpu.image[XSTATE_HEADER] & XSTATE_HAS_AVX)
			memcpy(value, cpu->fpu.image + r->at, r->bytes);
		return;
	case TAGS:
		v = full_tags(cpu->fpu.image[FX_TW]);
		break;
	case BASE:
		v = cpu->seg[r->at].base;
		break;
	}
	memcpy(value, &v, 4);
}

static bool write_image(struct cpu *cpu, const struct reg *r, const u8 *value)
{
	u32 mask, mxcsr;

	memcpy(&mask, cpu->fpu.image + FX_MXCSR + 4, 4);
	memcpy(&mxcsr, value, 4);
	/* A bit that the processor does not have would fault in the monitor. 0: SDM 1 11.6.6. */
	if (r->at == FX_MXCSR && (mxcsr & ~(mask ? mask : 0xffbfu)))
		return false;
	cpu->fpu.image[XSTATE_HEADER] |= XSTATE_HAS_X87 | XSTATE_HAS_SSE;
	memcpy(cpu->fpu.image + r->at, value, r->bytes);
	return true;
}

static void write_upper(struct cpu *cpu, const struct reg *r, const u8 *value)
{
	u8 *image = cpu->fpu.image;

	if (!(image[XSTATE_HEADER] & XSTATE_HAS_AVX))
		memset(image + XSTATE_AVX, 0, XSTATE_REGS);
	image[XSTATE_HEADER] |= XSTATE_HAS_X87 | XSTATE_HAS_SSE | XSTATE_HAS_AVX;
	memcpy(image + r->at, value, r->bytes);
}

bool gdb_reg_write(struct cpu *cpu, unsigned n, const u8 *value)
{
	const struct reg *r = &regs[n];
	u32 v;

	memcpy(&v, value, 4);
	switch ((enum how)r->how) {
	case BY_NAME:
		return !dbg_register_set(cpu, r->name, v);
	case LINEAR_IP:
		cpu->eip = v - cpu->seg[SEG_CS].base;
		return true;
	case IMAGE:
		return write_image(cpu, r, value);
	case UPPER:
		write_upper(cpu, r, value);
		return true;
	case TAGS:
		cpu->fpu.image[XSTATE_HEADER] |= XSTATE_HAS_X87;
		cpu->fpu.image[FX_TW] = abridged_tags((u16)v);
		return true;
	case BASE:
		return v == cpu->seg[r->at].base;
	}
	return false;
}

/* --- The description */

static void put_regs(struct gdb_part *x, unsigned from, unsigned to)
{
	char line[120];

	for (unsigned n = from; n < to; n++) {
		fmt_print(line, sizeof(line),
			  "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"/>",
			  regs[n].name, regs[n].size * 8, regs[n].type, n);
		gdb_part_add(x, line);
	}
}

const char gdb_xml_head[] =
	"<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>";
static const char core[] = "<feature name=\"org.gnu.gdb.i386.core\">";
const char gdb_xml_flags[] =
	"<flags id=\"i386_eflags\" size=\"4\">"
	"<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"
	"<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/>"
	"<field name=\"ZF\" start=\"6\" end=\"6\"/><field name=\"SF\" start=\"7\" end=\"7\"/>"
	"<field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"
	"<field name=\"DF\" start=\"10\" end=\"10\"/><field name=\"OF\" start=\"11\" end=\"11\"/>"
	"<field name=\"NT\" start=\"14\" end=\"14\"/><field name=\"RF\" start=\"16\" end=\"16\"/>"
	"<field name=\"VM\" start=\"17\" end=\"17\"/><field name=\"AC\" start=\"18\" end=\"18\"/>"
	"<field name=\"VIF\" start=\"19\" end=\"19\"/><field name=\"VIP\" start=\"20\" end=\"20\"/>"
	"<field name=\"ID\" start=\"21\" end=\"21\"/></flags>";
static const char sse[] =
	"<feature name=\"org.gnu.gdb.i386.sse\">"
	"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
	"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
	"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
	"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
	"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
	"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
	"<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
	"<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
	"<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
	"<field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" "
	"type=\"uint128\"/></union>"
	"<flags id=\"i386_mxcsr\" size=\"4\"><field name=\"IE\" start=\"0\" end=\"0\"/>"
	"<field name=\"DE\" start=\"1\" end=\"1\"/><field name=\"ZE\" start=\"2\" end=\"2\"/>"
	"<field name=\"OE\" start=\"3\" end=\"3\"/><field name=\"UE\" start=\"4\" end=\"4\"/>"
	"<field name=\"PE\" start=\"5\" end=\"5\"/><field name=\"DAZ\" start=\"6\" end=\"6\"/>"
	"<field name=\"IM\" start=\"7\" end=\"7\"/><field name=\"DM\" start=\"8\" end=\"8\"/>"
	"<field name=\"ZM\" start=\"9\" end=\"9\"/><field name=\"OM\" start=\"10\" end=\"10\"/>"
	"<field name=\"UM\" start=\"11\" end=\"11\"/><field name=\"PM\" start=\"12\" end=\"12\"/>"
	"<field name=\"FZ\" start=\"15\" end=\"15\"/></flags>";
static const char avx[] = "<feature name=\"org.gnu.gdb.i386.avx\">";
static const char own[] = "<feature name=\"org.ringleader.i386.system\">";

static void put_feature(struct gdb_part *x, const char *begin, unsigned from, unsigned to)
{
	gdb_part_add(x, begin);
	if (!from)
		gdb_part_add(x, gdb_xml_flags);
	put_regs(x, from, to);
	gdb_part_add(x, "</feature>");
}

void gdb_target_xml(struct cpu *cpu, struct gdb_part *x)
{
	unsigned parts = gdb_reg_parts(cpu);
	bool wide = cpu->seg[SEG_CS].attr & SEG_ATTR_DB;

	gdb_part_add(x, gdb_xml_head);
	gdb_part_add(x, wide ? "<architecture>i386</architecture>"
			     : "<architecture>i8086</architecture>");
	put_feature(x, core, 0, FIRST_XMM);
	if (parts & GDB_HAS_SSE)
		put_feature(x, sse, FIRST_XMM, FIRST_SYSTEM);
	if (parts & GDB_HAS_AVX)
		put_feature(x, avx, FIRST_YMM, GDB_REGS);
	put_feature(x, own, FIRST_SYSTEM, FIRST_YMM);
	gdb_part_add(x, "</target>");
}
