/* SPDX-License-Identifier: MIT */
/*
 * String instructions several iterations at a time: where the operands of a REP lie in plain
 * memory.
 */
#pragma once

#include "emu/cpu/semantics.h"
#include "emu/cpu/softtlb_entry.h"

#define STRING_SPAN_MAX 1024u /* bytes at a time: those of a watched page go through a buffer */

/* Where the operand at offset lies, and in n, of at most so many, how many elements of it there are
 * upwards on its page. False: not to be known without a fault, which has not happened. */
bool cpu_string_range(struct cpu *cpu, enum cpu_seg seg, const struct insn *in, u32 offset,
		      unsigned access, struct softtlb_entry *e, gla_t *gla, u32 *n);
/* The same, and it is plain memory. */
bool cpu_string_span(struct cpu *cpu, enum cpu_seg seg, const struct insn *in, u32 offset,
		     unsigned access, struct softtlb_entry *e, gla_t *gla, u32 *n);
/* n elements of one value from there on. */
void cpu_string_fill(u8 *to, u32 value, unsigned size, u32 n);
/* A pointer or a counter, in the bits that the address size has. */
void cpu_string_move(struct cpu *cpu, const struct insn *in, unsigned reg, u32 by);
/* ESI and EDI, as far as the instruction uses them, behind one element. */
void cpu_string_advance(struct cpu *cpu, const struct insn *in);
