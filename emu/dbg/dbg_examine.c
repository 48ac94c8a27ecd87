/* SPDX-License-Identifier: MIT */
/*
 * x and xp.
 */
#include "emu/dbg/dbg_examine.h"

#include "emu/dbg/dbg_disas.h"
#include "emu/dbg/dbg_mem.h"
#include "kernel/base/string.h"

#define A_LINE	 16u
#define TEXT_MAX 64u /* of one string in a line */

const char *dbg_parse_format(const char *text, struct dbg_format *f)
{
	*f = (struct dbg_format){ .count = 64, .unit = 'b' };
	if (!*text)
		return NULL;
	text++;
	*f = (struct dbg_format){ .count = 0, .unit = 'd' };
	for (; *text >= '0' && *text <= '9'; text++) {
		f->count = f->count * 10 + (unsigned)(*text - '0');
		if (f->count > DBG_EXAMINE_MAX)
			return "the count is too large";
	}
	if (!f->count)
		f->count = 1;
	if (*text)
		f->unit = *text++;
	if (*text || !strchr("bwdqsi", f->unit))
		return "the format is a count and one of b w d q s i";
	return NULL;
}

struct from {
	struct cpu *cpu;
	bool physical;
	const struct dbg_out *out;
};

static unsigned take(const struct from *from, u32 address, void *buf, unsigned len)
{
	return from->physical ? dbg_read_phys(from->cpu, address, buf, len)
			      : dbg_read(from->cpu, address, buf, len);
}

static void add_text(struct dbg_line *l, const u8 *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		dbg_add(l, "%c", b[i] >= 32 && b[i] < 127 ? b[i] : '.');
}

/* One line of numbers; false: not all of it is there. */
static bool numbers(const struct from *from, u32 address, unsigned size, unsigned n)
{
	struct dbg_line l = { .len = 0 };
	u8 b[A_LINE];
	unsigned have = take(from, address, b, n * size) / size;

	if (have) {
		dbg_add(&l, "%08x ", address);
		for (unsigned i = 0; i < have; i++) {
			u64 v = 0;

			memcpy(&v, b + i * size, size);
			dbg_add(&l, " %0*llx", (int)size * 2, (unsigned long long)v);
		}
		if (size == 1) {
			dbg_add(&l, "%*s", (int)((A_LINE - have) * 3 + 2), "");
			add_text(&l, b, have);
		}
		dbg_end(&l, from->out);
	}
	if (have < n)
		dbg_print(from->out, "%08x  not mapped, or no memory", address + have * size);
	return have == n;
}

static u32 string(const struct from *from, u32 address)
{
	struct dbg_line l = { .len = 0 };
	u8 b[TEXT_MAX];
	unsigned have = take(from, address, b, sizeof(b)), n = 0;

	while (n < have && b[n])
		n++;
	dbg_add(&l, "%08x  ", address);
	if (have) {
		dbg_add(&l, "\"");
		add_text(&l, b, n);
		dbg_add(&l, n < have ? "\"" : "\" ...");
	} else {
		dbg_add(&l, "not mapped, or no memory");
	}
	dbg_end(&l, from->out);
	return have ? address + n + (n < have) : 0;
}

void dbg_examine(struct cpu *cpu, u32 address, bool physical, const struct dbg_format *f,
		 const struct dbg_out *out)
{
	const struct from from = { cpu, physical, out };
	unsigned size, n;

	if (f->unit == 'i') {
		if (physical)
			dbg_print(out, "instructions have linear addresses: x/i");
		else
			dbg_disassemble(cpu, address, dbg_code_bits(cpu), f->count, out);
		return;
	}
	if (f->unit == 's') {
		for (unsigned i = 0; i < f->count && (!i || address); i++)
			address = string(&from, address);
		return;
	}
	size = f->unit == 'b' ? 1 : f->unit == 'w' ? 2 : f->unit == 'd' ? 4 : 8;
	for (unsigned i = 0; i < f->count; i += n) {
		n = MIN(f->count - i, A_LINE / size);
		if (!numbers(&from, address + i * size, size, n))
			return;
	}
}
