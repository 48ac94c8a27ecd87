/* SPDX-License-Identifier: MIT */
/*
 * Addresses as they are typed.
 */
#pragma once

#include "emu/cpu/cpu.h"

/*
 * An expression (emu/dbg/dbg_expr.h) of numbers (decimal, 0x1f or 1fh) and registers ($eip, or
 * eip), with a segment in front if there is one: "cs:0x100", "0x40:17h", "$esp+8", "[ebp+4]".
 * NULL, and the linear address; or what is wrong.
 */
const char *dbg_address(struct cpu *cpu, const char *text, u32 *address);
