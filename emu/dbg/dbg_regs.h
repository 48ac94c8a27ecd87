/* SPDX-License-Identifier: MIT */
/*
 * A guest's registers by name, and in words.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_text.h"

/* eax .. edi, eip, eflags, cs .. gs, cr0, cr2, cr3, cr4, dr0 .. dr7, and parts: ax .. di, al .. bh,
 * ip, flags. False: there is none of that name, in *value nothing. */
bool dbg_register(const struct cpu *cpu, const char *name, u32 *value);
/* Its number, -1 if there is none of that name; the value of one that there is. */
int dbg_register_find(const char *name);
u32 dbg_register_value(const struct cpu *cpu, int n);
/* The i-th name, NULL at the end. */
const char *dbg_register_name(unsigned i);

/*
 * Gives it a value, with the rules that the instruction has which loads it. NULL, or why it cannot
 * be. CS and SS of protected mode stay, and so does the VM flag: only a far transfer makes sense of
 * them.
 */
const char *dbg_register_set(struct cpu *cpu, const char *name, u32 value);

/* Which of enum cpu_seg, -1 if it is no segment register. */
int dbg_segment_register(const char *name);
/* The base of a segment register by name, or of a selector in the present mode. False: there is no
 * such segment. */
bool dbg_segment_base(struct cpu *cpu, const char *name, u32 *base);

/* "code32 r-x dpl=0 base=00000000 limit=ffffffff" */
void dbg_add_segment(struct dbg_line *l, const struct cpu_segment *s);
/* "real mode", "protected mode, 32 bits, paging, cpl 0" */
void dbg_add_mode(struct dbg_line *l, const struct cpu *cpu);
/* All of them. */
void dbg_print_regs(const struct cpu *cpu, const struct dbg_out *out);
