/* SPDX-License-Identifier: MIT */
/*
 * Addresses.
 */
#include "emu/dbg/dbg_address.h"

#include "emu/dbg/dbg_expr.h"
#include "emu/dbg/dbg_regs.h"
#include "kernel/base/string.h"

#define WORD 32u

const char *dbg_address(struct cpu *cpu, const char *text, u32 *address)
{
	const char *colon = strchr(text, ':'), *why;
	struct dbg_expr e;
	char segment[WORD];
	u32 base = 0, offset;

	if (colon) {
		size_t n = (size_t)(colon - text);

		if (!n || n >= WORD)
			return "no segment in front of the colon";
		memcpy(segment, text, n);
		segment[n] = '\0';
		if (!dbg_segment_base(cpu, segment[0] == '$' ? segment + 1 : segment, &base))
			return "there is no such segment";
	}
	why = dbg_expr_compile(cpu, colon ? colon + 1 : text, &e);
	if (why)
		return why;
	if (!dbg_expr_value(cpu, &e, &offset))
		return "it reads memory that is not mapped, or divides by 0";
	*address = base + offset;
	return NULL;
}
