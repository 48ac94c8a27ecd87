/* SPDX-License-Identifier: MIT */
/*
 * How a triple fault came about: the faults of the last delivery that failed (cpu->stops.chain), in
 * words.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_text.h"

/* "#PF", "NMI"; of vectors that have no name "exception". */
const char *dbg_exception_name(u8 vector);
/* "#PF of 2 at c0001000, then #GP(10), then #DF(0), then #GP(43)": nothing where none has failed.
 * #PF is told with its error code. */
void dbg_add_chain(struct dbg_line *l, const struct cpu *cpu);
/* A line for each: what it is, and what stood in the way of its handler. The processor stands where
 * the first of them came. */
void dbg_print_chain(struct cpu *cpu, const struct dbg_out *out);
