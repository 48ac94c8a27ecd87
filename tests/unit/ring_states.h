/* SPDX-License-Identifier: MIT */
/*
 * Random programs as hosts of DPMI and monitors of V86 mode run them: their state and tables, and
 * changes of them.
 */
#pragma once

#include "emu/cpu/transfer.h"
#include "tests/unit/random.h"
#include "tests/unit/two_ways.h"

#define VECTOR	0x21u
#define CODE_N	FREE /* the handler's segment, and the stack's */
#define STACK_N (FREE + 8)
#define BASE	0x100u /* of small segments */

static bool v86, gate32, tss32, wide, wide_stack;
static u16 code_u, stack_u; /* the program's selectors */

static inline void descriptor(u16 sel, u32 attr, bool big)
{
	u32 at = (sel & 4 ? AT_LDT : AT_GDT) + (sel & 0xfff8u);

	put_descriptor(at, big ? 0 : BASE, big ? 0xfffff : 0xffff, big ? 0xc00 | attr : attr);
}

static inline void program_segments(void)
{
	struct cpu *c = &m.cpu;

	if (!v86) {
		set_segment(SEG_CS, code_u);
		set_segment(SEG_SS, stack_u);
		set_segment(SEG_DS, stack_u);
		set_segment(SEG_ES, one_in(4) ? DATA0 : stack_u);
		return;
	}
	c->eflags |= EFLAGS_VM;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		cpu_set_v86_segment(c, s, (u16)((u32)rnd() & 0x1f) + 0x10);
}

/* A program as hosts of DPMI and monitors of V86 mode run them. */
static inline void usual(void)
{
	struct cpu *c = &m.cpu;
	u32 gate = (gate32 ? 0xee : 0xe6) | ((u32)rnd() & 1), local = (u32)rnd() & 4;

	code_u = (u16)(local ? 0x0f : FREE + 16 + 3);
	stack_u = (u16)(local ? 0x17 : FREE + 24 + 3);
	c->ldtr = (struct cpu_segment){ LDT, 0x82, AT_LDT, 0xff };
	descriptor(CODE_N, 0x9b, wide);
	descriptor(STACK_N, 0x93, wide_stack);
	descriptor(code_u, 0xfb, one_in(2));
	descriptor(stack_u, 0xf3, one_in(4));
	idt(VECTOR, CODE_N, AT_TARGET, gate);
	idt(VEC_GP, CODE_N, AT_TARGET, gate & ~0x60u);
	put(AT_TSS + 4, STACK_TSS, 4);
	put(AT_TSS + 8, STACK_N, 2);
	put(AT_TSS_16 + 2, STACK_TSS, 2);
	put(AT_TSS_16 + 4, STACK_N, 2);
	c->tr = tss32 ? (struct cpu_segment){ TSS_A, 0x8b, AT_TSS, 0x1ff }
		      : (struct cpu_segment){ TSS_16, 0x83, AT_TSS_16, 0x2b };
	set_ring(3);
	cpu_set_eflags(c, (u32)rnd() & (EFLAGS_ARITH | EFLAGS_IF | EFLAGS_IOPL | EFLAGS_RF));
	if (v86 && !one_in(8))
		c->eflags |= EFLAGS_IOPL;
	program_segments();
	c->gpr[REG_ESP] = ((u32)rnd() & (one_in(2) ? 0xffff0000 : 0)) | 0xb00;
	c->eip = 0x600 + ((u32)rnd() & 15);
	c->nmi_blocked = (u32)rnd() & 1;
	c->shadow = 0;
}

static inline void flip(u32 at, u32 len)
{
	u32 bit = (u32)rnd() % (len * 8);

	put(at + bit / 8, (u8)get(at + bit / 8, 1) ^ 1u << (bit & 7), 1);
}

static inline u32 table_of(u16 sel)
{
	return (sel & 4 ? AT_LDT : AT_GDT) + (sel & 0xfff8u);
}

static inline u32 frame_at(void)
{
	struct cpu *c = &m.cpu;
	u32 mask = c->seg[SEG_SS].attr & SEG_ATTR_DB ? 0xffffffff : 0xffff;

	return (c->seg[SEG_SS].base + (c->gpr[REG_ESP] & mask)) & (IMAGE - 1);
}

/* One change somewhere; whatever it means. */
static inline void change(void)
{
	struct cpu *c = &m.cpu;

	switch ((u32)rnd() % 13) {
	case 0:
		flip(AT_IDT + 8 * (one_in(2) ? VECTOR : VEC_GP), 8);
		break;
	case 1:
		flip(AT_GDT + (one_in(2) ? CODE_N : STACK_N), 8);
		break;
	case 2:
		flip(table_of(one_in(2) ? code_u : stack_u), 8);
		break;
	case 3:
		flip(tss32 ? AT_TSS + 4 : AT_TSS_16 + 2, tss32 ? 6 : 4);
		break;
	case 4:
		cpu_set_eflags(c, cpu_eflags(c) ^ (1u << (u32)rnd() % 22 & ~(u32)EFLAGS_VM));
		break;
	case 5:
		put(tss32 ? AT_TSS + 4 : AT_TSS_16 + 2, (u32)rnd() % 64, 2);
		break;
	case 6:
		c->cr0 ^= CR0_AM;
		cpu_set_eflags(c, cpu_eflags(c) | EFLAGS_AC);
		break;
	case 7:
		c->cr4 ^= one_in(2) ? CR4_VME : CR4_PVI;
		break;
	case 8:
		c->gpr[REG_ESP] =
			(c->gpr[REG_ESP] & 0xffff0000) | ((((u32)rnd() & 63) - 32) & 0xffff);
		break;
	case 9:
		c->ldtr.attr ^= SEG_ATTR_UNUSABLE;
		cpu_tables_moved(c); /* as LLDT does */
		break;
	case 10:
		c->ldtr.limit = (u32)rnd() & 31;
		cpu_tables_moved(c);
		break;
	case 11:
		c->seg[SEG_SS].limit = frame_at() + ((u32)rnd() & 31);
		break;
	case 12:
		break;
	}
}

static inline void some_kind(unsigned i)
{
	v86 = i & 1;
	gate32 = i & 2;
	tss32 = i & 4;
	wide = i & 8;
	wide_stack = i & 16;
	if (!v86 && gate32 && wide_stack)
		tss32 = false; /* else ring_change.c's */
}
