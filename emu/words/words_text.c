/* SPDX-License-Identifier: MIT */
/*
 * Labels in a column, and what belongs to them behind it.
 */
#include "emu/words/words_text.h"

#include <stdarg.h>

#include "kernel/base/print.h"

#define LABEL 18

static void begin(struct dbg_line *l, const char *what)
{
	l->len = 0;
	l->text[0] = '\0';
	dbg_add(l, "  %-*s", LABEL, what);
}

void words_numbers(const struct dbg_out *out, const char *what, u32 bits, unsigned first)
{
	struct dbg_line l;

	begin(&l, what);
	for (unsigned n = 0; n < 32; n++)
		if (bits & BIT(n))
			dbg_add(&l, " %u", first + n);
	if (!bits)
		dbg_add(&l, " none");
	dbg_end(&l, out);
}

void words_bits(const struct dbg_out *out, const char *what, u32 value, const char *const *names,
		unsigned n)
{
	struct dbg_line l;
	size_t len;

	begin(&l, what);
	len = l.len;
	dbg_add_bits(&l, value, names, n);
	if (l.len == len)
		dbg_add(&l, " none");
	dbg_end(&l, out);
}

void words_say(const struct dbg_out *out, const char *what, const char *fmt, ...)
{
	struct dbg_line l;
	char text[DBG_LINE];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	begin(&l, what);
	dbg_add(&l, " %s", text);
	dbg_end(&l, out);
}
