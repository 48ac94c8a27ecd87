/* SPDX-License-Identifier: MIT */
/*
 * A guest's descriptor tables, task state and page tables in words.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_text.h"

/* Entries of GDT or LDT from number first on, n of them at most; those that are zero are passed
 * over. */
void dbg_print_gdt(struct cpu *cpu, unsigned first, unsigned n, const struct dbg_out *out);
void dbg_print_ldt(struct cpu *cpu, unsigned first, unsigned n, const struct dbg_out *out);
/* Gates from vector first on, or the vectors of real mode. */
void dbg_print_idt(struct cpu *cpu, unsigned first, unsigned n, const struct dbg_out *out);
void dbg_print_tss(struct cpu *cpu, const struct dbg_out *out);
/* The guest's walk for a linear address. */
void dbg_print_walk(struct cpu *cpu, gla_t gla, const struct dbg_out *out);
/* "00123067 P W U A D" */
void dbg_add_pte(struct dbg_line *l, u64 entry);
/* Frames by the chain of EBP, or of BP: n at most. */
void dbg_print_frames(struct cpu *cpu, unsigned n, const struct dbg_out *out);
