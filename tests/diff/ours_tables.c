/* SPDX-License-Identifier: MIT */
/*
 * Every exception goes through an IDT (or the real-mode table) to a handler that is one HLT; its
 * address tells the vector. In CPL 0 with paging, where the case's own stack may be what is not
 * there, exceptions go through task gates to a task and a stack of their own: the registers of the
 * case are in its TSS then (SDM 3A 6.12.2), and IRET goes on with it.
 */
#include "tests/diff/ours_tables.h"

#include <string.h>

#include "emu/cpu/cpu.h"

#define NX BIT64(63)

static u8 *ram;
static enum case_mode mode;

static void put32(u32 at, u32 v)
{
	memcpy(ram + at, &v, 4);
}

static void put64(u32 at, u64 v)
{
	memcpy(ram + at, &v, 8);
}

static u32 lin(u32 at)
{
	return tables_linear(mode, at);
}

u64 tables_descriptor(u32 base, u32 limit, u32 attr)
{
	return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(attr & 0xff) << 40 |
	       (u64)(limit >> 16 & 15) << 48 | (u64)(attr >> 8 & 15) << 52 |
	       (u64)(base >> 24) << 56;
}

u16 tables_gdt_limit(enum case_mode m)
{
	return case_layout(m)->paged ? CASE_GDT_LIMIT : 0x7f;
}

u32 tables_tss_limit(enum case_mode m)
{
	return case_layout(m)->paged && case_layout(m)->v86 ? 0x78 : 0x67;
}

/* Of a mode's data segments: their descriptors. GS of 32 bits: 4 GiB that wrap. */
static void put_segments(const struct case_layout *l, u32 dpl)
{
	for (unsigned i = 0; i < 6; i++) {
		u32 limit = i == SEG_SS ? l->stack_size - 1 : l->data_size - 1;
		u64 d = l->code16     ? tables_descriptor(l->base[i], 0xffff, 0x093)
			: i == SEG_GS ? tables_descriptor(l->base[i], 0xfffff, 0xc93)
				      : tables_descriptor(l->base[i], limit, 0x493);

		if (i != SEG_CS)
			put64(GDT + (l->sel[i] & ~7u), d | (u64)dpl << 45);
	}
}

static void make_gdt(void)
{
	put64(GDT + 0x08, tables_descriptor(0, 0xfffff, 0xc9b));
	put64(GDT + 0x10, tables_descriptor(0, 0xfffff, 0xc93));
	put64(GDT + 0x20, tables_descriptor(0, 0xfffff, 0xcfb));
	put64(GDT + 0x28, tables_descriptor(0, 0xfffff, 0xcf3));
	put_segments(case_layout(CASE_SEGMENTS), 0);
	put_segments(case_layout(CASE_PROT16), 0);
	put64(GDT + 0x50, tables_descriptor(case_layout(CASE_PROT16)->base[SEG_CS], 0xffff, 0x09b));
	put64(GDT + SEL_TSS, tables_descriptor(lin(TSS), tables_tss_limit(mode), 0x08b));
	if (!case_layout(mode)->paged)
		return;
	put_segments(case_layout(CASE_PAGED_SEGS), 3);
	put64(GDT + CASE_SEL_LDT, tables_descriptor(lin(GDT), CASE_GDT_LIMIT, 0x082));
	put64(GDT + CASE_SEL_TSS, tables_descriptor(lin(TSS) + 0x800, 0x67, 0x089));
}

/* The TSS and the gate of each exception that has a task. */
static void make_tasks(void)
{
	for (u32 v = 0; v < TASK_VECTORS; v++) {
		u32 t = TASK(v), sel = 0x80 + 8 * v;

		put64(GDT + sel, tables_descriptor(lin(t), 0x67, 0x089));
		put64(IDT + 8 * v, (u64)sel << 16 | (u64)0x8500 << 32);
		put32(t + 0x1c, PDPT);
		put32(t + 0x20, lin(HANDLERS) + v);
		put32(t + 0x24, EFLAGS_ONE);
		put32(t + 0x38, lin(TASK_STACK)); /* ESP */
		put32(t + 0x48, 0x10);
		put32(t + 0x4c, 0x08);
		put32(t + 0x50, 0x10);
		put32(t + 0x54, 0x10);
	}
	put32(TSS + 0x1c, PDPT);
	put32(TSS + 0x800 + 0x1c, PDPT);
	/* add esp, 4; iret; and for the next page fault, which goes on behind it: */
	memcpy(ram + TASK_RESUME, "\x83\xc4\x04\xcf\xe9", 5);
	put32(TASK_RESUME + 5, HANDLERS + VEC_PF - (TASK_RESUME + 9)); /* jmp to the handler */
}

static void make_vectors(void)
{
	for (u32 v = 0; v < 256; v++) {
		u32 dpl = v == VEC_BP || v == VEC_OF ? 3 : 0;

		put64(IDT + 8 * v, (lin(HANDLERS) & 0xffff) + v + 0x080000ull +
					   ((u64)(0x8e00 | dpl << 13) << 32) +
					   ((u64)(lin(HANDLERS) >> 16) << 48));
		put32(4 * v, 0x00500000 + v);
	}
	put32(TSS + 4, lin(STACK0));
	put32(TSS + 8, 0x10);
	memset(ram + TSS + 102, 0xff, 2);
	if (case_layout(mode)->paged && case_layout(mode)->v86) { /* ports 0 to 127 */
		ram[TSS + 102] = 0x68;
		ram[TSS + 103] = 0;
		memset(ram + TSS + 0x68, 0, 16);
		ram[TSS + 0x78] = 0xff;
	}
	memset(ram + HANDLERS, 0xf4, 256);
	memset(ram + REAL_HANDLERS, 0xf4, 256);
}

/* Code, data and stack for the user, the system area for us; nothing else is there. */
static void make_page_tables(void)
{
	const struct case_layout *l = case_layout(mode);

	memset(ram + PDPT, 0, 0x6000);
	memset(ram + PD2, 0, PAGE_SIZE);
	put64(PDPT, PD | 1);
	for (u32 n = 0; n < 3; n++)
		put64(PD + 8 * n, PT(n) | 7);
	for (u32 p = 0; p < 6 * MiB; p += PAGE_SIZE) {
		u64 e = 0;

		if (p - l->code < l->code_size)
			e = p | 7;
		else if (p - l->data < l->data_size || p - l->stack < l->stack_size)
			e = p | 7 | NX;
		put64(PT(p >> 21) + 8 * (p >> 12 & 511), e);
	}
	/* CASE_SYSTEM is in gigabyte 2, whose directory is the page behind the other tables. */
	put64(PDPT + 8 * (CASE_SYSTEM >> 30), PD2 | 1);
	put64(PD2 + 8 * (CASE_SYSTEM >> 21 & 511), PT(3) | 7);
	for (u32 p = 0; p < SYS_SIZE; p += PAGE_SIZE) {
		put64(PT(3) + 8 * ((CASE_SYSTEM + p) >> 12 & 511), (SYS + p) | 3);
		/* Where LGDT and LIDT of 16 bits, which take 24 bits of the base, find the tables.
		 */
		if (l->tasks)
			put64(PT(2) + 8 * (((CASE_SYSTEM & 0xffffff) + p) >> 12 & 511),
			      (SYS + p) | 3);
	}
}

void tables_make(u8 *to, enum case_mode m)
{
	ram = to;
	mode = m;
	memset(ram + GDT, 0, 3 * PAGE_SIZE); /* IDT and TSS, too */
	memset(ram + TASK(0), 0, PAGE_SIZE);
	make_gdt();
	make_vectors();
	if (case_layout(mode)->tasks)
		make_tasks();
	make_page_tables();
}
