/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables of the real CPU, as kernel/base/gdt_layout.h lays them out. Invariant: no L=1
 * code segment but the monitor's, and no call gate that rings 1..3 may use, is ever present in a
 * live GDT or LDT.
 */
#pragma once

#include "kernel/base/gdt_layout.h"
#include "kernel/base/types.h"

struct percpu;

/* Fills the monitor's own table and loads it, with a null LDT and null data selectors. */
void gdt_init(void);
/* Writes the monitor's entries for this CPU into a 64 KiB table. */
void gdt_fill_monitor(u64 *gdt, struct percpu *pc);
/* Writes the entry SEL_LDT for a 64 KiB local table. */
void gdt_fill_ldt(u64 *gdt, const u64 *ldt);
/* LLDT with SEL_LDT of the table in use. */
void gdt_load_ldt(void);
/* LGDT (and LTR the first time; the TSS descriptor of the new table is marked busy as the old one
 * was). */
void gdt_load(struct percpu *pc, u64 *gdt);
/* ES, DS, FS and GS are null. */
void gdt_clear_segments(void);
/* The table in use when no guest runs. */
u64 *gdt_monitor(void);
