/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables of the real CPU. A GDT is always the full 64 KiB; the monitor's entries are the
 * last six:
 *
 *     FFD0h  the guest's shadow LDT (16 bytes)   FFE0h  TSS (16 bytes)
 *     FFF0h  CS, 64-bit, DPL 0                   FFF8h  data, DPL 0
 *
 * Everything below belongs to the guest's shadow (vmm/mmu/shadow_desc.c). Invariant: no other L=1 code
 * segment and no call gate that rings 1..3 may use is ever present in a live GDT or LDT.
 */
#pragma once

#include "kernel/base/types.h"

#define GDT_SIZE   65536u
#define SEL_LDT	   0xffd0u
#define SEL_TSS	   0xffe0u
#define SEL_CODE64 0xfff0u
#define SEL_DATA64 0xfff8u

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; /* ist[0] is IST1 */
	u64 reserved2;
	u16 reserved3;
	u16 iomap; /* beyond the limit: every port access of rings 1..3 traps */
} __attribute__((packed));

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
/* The table in use when no guest runs. */
u64 *gdt_monitor(void);
