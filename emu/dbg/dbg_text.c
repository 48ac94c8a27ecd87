/* SPDX-License-Identifier: MIT */
/*
 * Lines of text.
 */
#include "emu/dbg/dbg_text.h"

#include <stdarg.h>

#include "kernel/base/print.h"

void dbg_print(const struct dbg_out *out, const char *fmt, ...)
{
	char text[DBG_LINE];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	out->line(out->ctx, text);
}

void dbg_add(struct dbg_line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vprint(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	l->len = MIN(l->len + (size_t)n, sizeof(l->text) - 1);
}

void dbg_end(struct dbg_line *l, const struct dbg_out *out)
{
	l->text[l->len] = '\0';
	out->line(out->ctx, l->text);
	l->len = 0;
}

void dbg_add_bits(struct dbg_line *l, u32 value, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if ((value & BIT(i)) && names[i])
			dbg_add(l, " %s", names[i]);
}
