/* SPDX-License-Identifier: MIT */
/*
 * The system area of our processor: descriptor tables, page tables, handlers and stacks, for each
 * mode of the cases. Physical addresses; with paging it lies at CASE_SYSTEM, where no case's
 * address gets by chance.
 */
#pragma once

#include "tests/diff/case.h"

#define SYS	      0x600000u
#define PDPT	      (SYS + 0x0000)
#define PD	      (SYS + 0x1000)
#define PT(n)	      (SYS + 0x2000 + (n)*0x1000) /* of the n-th 2 MiB */
#define GDT	      (SYS + 0x6000)
#define IDT	      (SYS + 0x7000)
#define TSS	      (SYS + 0x8000)
#define STACK0	      (SYS + 0xa000)
#define HANDLERS      (SYS + 0xb000)
#define PD2	      (SYS + 0xc000)
#define TASK(v)	      (SYS + 0xd000 + (v)*0x80) /* the TSS of exception v, if it has a task */
#define TASK_STACK    (SYS + 0xf000)
#define SYS_SIZE      CASE_SYSTEM_SIZE
#define REAL_HANDLERS 0x500u
#define SEL_TSS	      0x78u
#define TASK_VECTORS  20u
/* Behind the handlers, which are one HLT each: takes the error code off and returns to the task. */
#define TASK_RESUME (HANDLERS + 0x200)

/* The linear address of something in the system area. */
static inline u32 tables_linear(enum case_mode mode, u32 at)
{
	return case_layout(mode)->paged ? at - SYS + CASE_SYSTEM : at;
}

u64 tables_descriptor(u32 base, u32 limit, u32 attr);
void tables_make(u8 *ram, enum case_mode mode);
/* With a map of I/O permissions in V86 mode with paging. */
u32 tables_tss_limit(enum case_mode mode);
u16 tables_gdt_limit(enum case_mode mode);
