/* SPDX-License-Identifier: MIT */
/*
 * Expressions as they are typed: numbers, registers, names, memory, and C's operators. They are
 * compiled once, into a few operations on a stack, since a condition is asked each time that its
 * point is met. && and || leave out their right side as in C.
 *
 *   eax == 5 && [ebp+8] > 0x1000      byte[esi] != 0      d[cr3] & ~0xfff
 *
 *   word[ss:sp] == 0x1234             cx < 5             byte[0x40:0x17] & 3
 *
 * All values have 32 bits and no sign. A segment register or a selector with a colon adds the
 * segment's base. `byte`, `word` and `dword` in front of a bracket say how
 * much is read, at a linear address; dword is what a bracket alone means.
 */
#pragma once

#include "emu/cpu/cpu.h"

#define DBG_EXPR_OPS   48u
#define DBG_EXPR_DEPTH 16u /* of the stack */

struct dbg_expr {
	u8 count;
	struct dbg_op {
		u8 what, size;
		bool known; /* the right operand is `value`, and not on the stack */
		u32 value;
	} at[DBG_EXPR_OPS];
};

/* NULL, or what is wrong. Names are registers and symbols. */
const char *dbg_expr_compile(struct cpu *cpu, const char *text, struct dbg_expr *e);
/* False: memory that it reads is not there, or it divides by 0. */
bool dbg_expr_value(struct cpu *cpu, const struct dbg_expr *e, u32 *value);
