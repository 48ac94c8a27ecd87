/* SPDX-License-Identifier: MIT */
/*
 * Addresses.
 */
#include "emu/dbg/dbg_address.h"

#include "emu/dbg/dbg_expr.h"

const char *dbg_address(struct cpu *cpu, const char *text, u32 *address)
{
	const char *why;
	struct dbg_expr e;

	why = dbg_expr_compile(cpu, text, &e);
	if (why)
		return why;
	if (!dbg_expr_value(cpu, &e, address))
		return "it reads memory that is not mapped, or divides by 0";
	return NULL;
}
