/* SPDX-License-Identifier: MIT */
/*
 * Disassembly.
 */
#include "emu/dbg/dbg_disas.h"

#include <Zydis/Zydis.h>

#include "emu/dbg/dbg_mem.h"
#include "emu/dbg/dbg_symbols.h"
#include "kernel/base/string.h"

#define LONGEST 15u
#define SHOWN	8u /* bytes in front of the text */

unsigned dbg_code_bits(const struct cpu *cpu)
{
	return cpu->seg[SEG_CS].attr & SEG_ATTR_DB ? 32 : 16;
}

static ZydisMachineMode mode_of(unsigned bits)
{
	return bits == 32 ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16;
}

static void add_bytes(struct dbg_line *l, const u8 *code, unsigned n)
{
	for (unsigned i = 0; i < SHOWN; i++)
		dbg_add(l, i < n ? "%02x" : "  ", code[i]);
	dbg_add(l, "%s ", n > SHOWN ? "+" : " ");
}

/* Where a near branch leads. */
static void add_target(struct dbg_line *l, const struct cpu *cpu,
		       const ZydisDisassembledInstruction *in)
{
	const ZydisDecodedOperand *o = &in->operands[0];
	ZyanU64 target;

	if (in->info.operand_count && o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	    o->imm.is_relative &&
	    ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in->info, o, in->runtime_address, &target)))
		dbg_add_symbol(l, cpu->stops.symbols, (u32)target);
}

/* Where a function begins, and in front of the first line. */
static void print_label(const struct cpu *cpu, gla_t gla, bool first, const struct dbg_out *out)
{
	const struct dbg_symbol *s = dbg_symbols_near(cpu->stops.symbols, gla);
	struct dbg_line l = { .len = 0 };

	if (!s || (s->value != gla && !first))
		return;
	dbg_add_symbol(&l, cpu->stops.symbols, gla);
	dbg_add(&l, ":");
	dbg_end(&l, out);
}

/* Zydis writes the scale of a 16-bit address, which has none. */
static void add_text(struct dbg_line *l, const char *text)
{
	const char *scale = strchr(text, '*');

	if (scale && scale[1] == '1')
		dbg_add(l, "%.*s%s", (int)(scale - text), text, scale + 2);
	else
		dbg_add(l, "%s", text);
}

gla_t dbg_disassemble(struct cpu *cpu, gla_t gla, unsigned bits, unsigned n,
		      const struct dbg_out *out)
{
	for (bool first = true; n--; first = false) {
		ZydisDisassembledInstruction in;
		struct dbg_line l = { .len = 0 };
		u8 code[LONGEST];
		unsigned have = dbg_read(cpu, gla, code, sizeof(code)), len = 1;

		if (have)
			print_label(cpu, gla, first, out);
		dbg_add(&l, "%08x  ", gla);
		if (!have) {
			dbg_add(&l, "not mapped, or no memory");
			dbg_end(&l, out);
			return gla;
		}
		if (ZYAN_SUCCESS(ZydisDisassembleIntel(mode_of(bits), gla, code, have, &in))) {
			len = in.info.length;
			add_bytes(&l, code, len);
			add_text(&l, in.text);
			add_target(&l, cpu, &in);
		} else {
			add_bytes(&l, code, 1);
			dbg_add(&l, "(undefined)");
		}
		dbg_end(&l, out);
		gla += len;
	}
	return gla;
}

unsigned dbg_instruction(struct cpu *cpu, bool *calls)
{
	ZydisDisassembledInstruction in;
	u8 code[LONGEST];
	gla_t gla = cpu->seg[SEG_CS].base + cpu->eip;
	unsigned have = dbg_read(cpu, gla, code, sizeof(code));

	*calls = false;
	if (!have ||
	    !ZYAN_SUCCESS(ZydisDisassembleIntel(mode_of(dbg_code_bits(cpu)), gla, code, have, &in)))
		return 0;
	*calls = in.info.meta.category == ZYDIS_CATEGORY_CALL ||
		 in.info.meta.category == ZYDIS_CATEGORY_INTERRUPT ||
		 (in.info.attributes &
		  (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE));
	return in.info.length;
}
