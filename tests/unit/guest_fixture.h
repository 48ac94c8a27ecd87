/* SPDX-License-Identifier: MIT */
/*
 * A small protected-mode guest on the host machine, for tests of what hard instructions mean. Each
 * test writes a few bytes of code, runs them as translated code, and looks at where it ended:
 *
 *   every vector's gate leads to a HLT of its own, so guest_run() tells the vector that was
 * delivered; VEC_END (INT 30h) is the way out for code that may not HLT.
 *
 * Ring 0, flat 32-bit segments, no paging, unless a test changes that.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "emu/cpu/semantics.h"
#include "tests/host/machine.h"
#include "tests/unit/guest_dump.h"

#define AT_GDT	    0x1000u
#define AT_LDT	    0x1400u
#define AT_IDT	    0x2000u
#define AT_TSS	    0x3000u /* the current task's, 32 bits, limit 67h + I/O map */
#define AT_TSS_B    0x3200u /* another, 32 bits */
#define AT_TSS_16   0x3400u /* and one of 16 bits */
#define AT_HANDLERS 0x4000u
#define HANDLER(v)  (AT_HANDLERS + 16u * (v))
#define AT_CODE	    0x6000u
#define AT_DATA	    0x8000u
#define STACK0	    0xa000u /* where the stacks start, downwards */
#define STACK3	    0xb000u
#define STACK_TSS   0xc000u /* ESP0 of the TSS */
#define AT_TARGET   0xd000u
#define AT_PAGES    0x10000u
#define RAM_SIZE    (2 * MiB)

/* tests/diff.mk builds these tests a second time, without sanitizers and with memory base 0. */
#ifndef GUEST_MACHINE
#define GUEST_MACHINE 0
#endif

enum {
	CODE0 = 0x08,
	DATA0 = 0x10,
	CODE3 = 0x1b,
	DATA3 = 0x23,
	TSS_A = 0x28,
	TSS_B = 0x30,
	TSS_16 = 0x38,
	LDT = 0x40,
	FREE = 0x48, /* and on, to 0xf8: the tests' own */
};

#define VEC_END	    0x30
#define HALTED	    (-1) /* HLT outside the handlers */
#define SHUT_DOWN   (-2)
#define ATTR_CODE32 0xc9bu /* descriptor bits 40..47 and, from bit 8, 52..55 */
#define ATTR_DATA32 0xc93u
#define ATTR_CONF32 0xc9fu
#define ATTR_DPL(n) ((n) << 5)
#define ATTR_P	    0x80u

static struct machine m;

static inline void put(u32 at, u32 value, unsigned size)
{
	memcpy(m.ram + at, &value, size);
	machine_wrote(&m, at, size);
}

static inline u32 get(u32 at, unsigned size)
{
	u32 v = 0;

	memcpy(&v, m.ram + at, size);
	return v;
}

/* limit: in bytes, or in pages if attr has the granularity bit (800h). */
static inline void put_descriptor(u32 at, u32 base, u32 limit, u32 attr)
{
	put(at, (limit & 0xffff) | base << 16, 4);
	put(at + 4,
	    (base >> 16 & 0xff) | (attr & 0xff) << 8 | (limit & 0xf0000) | (attr >> 8 & 15) << 20 |
		    (base & 0xff000000),
	    4);
}

static inline void gdt(u16 sel, u32 base, u32 limit, u32 attr)
{
	put_descriptor(AT_GDT + (sel & 0xfff8u), base, limit, attr);
}

/* A gate in the GDT or, at AT_IDT + 8 * vector, in the IDT. type_attr: P, DPL and type. */
static inline void put_gate(u32 at, u16 sel, u32 offset, u32 type_attr, unsigned count)
{
	put(at, (offset & 0xffff) | (u32)sel << 16, 4);
	put(at + 4, (offset & 0xffff0000) | type_attr << 8 | count, 4);
}

static inline void idt(u8 vector, u16 sel, u32 offset, u32 type_attr)
{
	put_gate(AT_IDT + 8u * vector, sel, offset, type_attr, 0);
}

static inline void set_segment(enum cpu_seg s, u16 sel)
{
	u32 at = (sel & 4 ? AT_LDT : AT_GDT) + (sel & 0xfff8u);

	if (sel & 0xfffc)
		cpu_unpack_descriptor(sel, get(at, 4), get(at + 4, 4), &m.cpu.seg[s]);
	else
		m.cpu.seg[s] = (struct cpu_segment){ .sel = sel, .attr = SEG_ATTR_UNUSABLE };
}

static inline void set_code(u32 at, const u8 *bytes, u32 len)
{
	memcpy(m.ram + at, bytes, len);
	machine_wrote(&m, at, len);
}

/* CODE(AT_CODE, 0x90, 0xf4); */
#define CODE(at, ...)                                       \
	do {                                                \
		static const u8 bytes_[] = { __VA_ARGS__ }; \
		set_code(at, bytes_, sizeof(bytes_));       \
	} while (0)

#define IMM16(v)	   (u8)(v), (u8)((v) >> 8)
#define IMM32(v)	   (u8)(v), (u8)((v) >> 8), (u8)((v) >> 16), (u8)((v) >> 24)
#define FAR_CALL(sel, off) 0x9a, IMM32(off), IMM16(sel)
#define FAR_JMP(sel, off)  0xea, IMM32(off), IMM16(sel)
#define INT_END		   0xcd, VEC_END
#define HLT		   0xf4

static inline void make_tables(void)
{
	struct cpu *c = &m.cpu;

	gdt(CODE0, 0, 0xfffff, ATTR_CODE32);
	gdt(DATA0, 0, 0xfffff, ATTR_DATA32);
	gdt(CODE3, 0, 0xfffff, ATTR_CODE32 | ATTR_DPL(3));
	gdt(DATA3, 0, 0xfffff, ATTR_DATA32 | ATTR_DPL(3));
	gdt(TSS_A, AT_TSS, 0x1ff, 0x8b);
	gdt(TSS_B, AT_TSS_B, 0x67, 0x89);
	gdt(TSS_16, AT_TSS_16, 0x2b, 0x81);
	gdt(LDT, AT_LDT, 0xff, 0x82);
	for (u32 v = 0; v < 256; v++)
		idt((u8)v, CODE0, HANDLER(v), v == VEC_END ? 0xee : 0x8e);
	memset(m.ram + AT_HANDLERS, HLT, 0x1000);
	put(AT_TSS + 4, STACK_TSS, 4);
	put(AT_TSS + 8, DATA0, 2);
	put(AT_TSS + 0x66, 0x88, 2); /* I/O map at 88h, redirection bitmap at 68h: ones */
	memset(m.ram + AT_TSS + 0x68, 0xff, 0x198);
	c->gdtr = (struct cpu_table){ AT_GDT, 0xff };
	c->idtr = (struct cpu_table){ AT_IDT, 0x7ff };
	c->tr = (struct cpu_segment){ TSS_A, 0x8b, AT_TSS, 0x1ff };
	c->ldtr = (struct cpu_segment){ .attr = SEG_ATTR_UNUSABLE };
}

/* Ring 0 or 3: flat segments, its stack, EIP at AT_CODE. */
static inline void set_ring(unsigned cpl)
{
	static const u8 data[] = { SEG_ES, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

	set_segment(SEG_CS, cpl ? CODE3 : CODE0);
	for (unsigned i = 0; i < sizeof(data); i++)
		set_segment(data[i], cpl ? DATA3 : DATA0);
	m.cpu.cpl = (u8)cpl;
	m.cpu.gpr[REG_ESP] = cpl ? STACK3 : STACK0;
	m.cpu.eip = AT_CODE;
}

static inline int guest_setup(void **state)
{
	struct cpu *c = &m.cpu;

	guest_dump_name = *state;
	memset(m.ram, 0, AT_PAGES);
	machine_reset(&m);
	recomp_flush(c->recomp);
	c->events = 0;
	c->cr0 = CR0_PE | CR0_ET | CR0_NE;
	make_tables();
	set_ring(0);
	cpu_set_eflags(c, EFLAGS_ONE);
	for (unsigned r = 0; r < 8; r++)
		if (r != REG_ESP)
			c->gpr[r] = 0x11111111 * (r + 1);
	c->env->paging_changed(c, PAGING_CR0 | PAGING_CR3 | PAGING_CR4);
	return 0;
}

/* All vectors lead to handlers. */
static inline void set_real_mode(void)
{
	struct cpu *c = &m.cpu;

	c->cr0 = CR0_ET;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		c->seg[s] =
			(struct cpu_segment){ .attr = s == SEG_CS ? 0x9b : 0x93, .limit = 0xffff };
	c->idtr = (struct cpu_table){ 0, 0x3ff };
	c->eip = AT_CODE;
	c->gpr[REG_ESP] = STACK0;
	for (u32 v = 0; v < 256; v++)
		put(4 * v, HANDLER(v), 4);
	c->env->paging_changed(c, PAGING_CR0);
}

static inline int guest_create(void **state)
{
	(void)state;
	return machine_create(&m, RAM_SIZE, GUEST_MACHINE);
}

static inline int guest_destroy(void **state)
{
	(void)state;
	machine_destroy(&m);
	return 0;
}

/* Identity-mapped, all pages present, writable and the user's. */
static inline void guest_paging(void)
{
	put(AT_PAGES, (AT_PAGES + 0x1000) | 7, 4);
	for (u32 p = 0; p < RAM_SIZE / PAGE_SIZE; p++)
		put(AT_PAGES + 0x1000 + 4 * p, p << PAGE_SHIFT | 7, 4);
	m.cpu.cr3 = AT_PAGES;
	m.cpu.cr0 |= CR0_PG | CR0_WP;
	m.cpu.env->paging_changed(&m.cpu, PAGING_CR0);
}

static inline void set_page(u32 linear, u32 entry)
{
	put(AT_PAGES + 0x1000 + 4 * (linear >> PAGE_SHIFT), entry, 4);
	machine_unmap(&m);
}

/* Runs until HLT; the vector whose handler it is, HALTED or SHUT_DOWN. */
static inline int guest_run(void)
{
	struct guest_dump *dump = guest_dump_begin(&m);
	enum recomp_exit exit = machine_run(&m);
	u32 at = m.cpu.eip - 1 - AT_HANDLERS;

	guest_dump_end(dump, &m, exit);
	if (exit == RECOMP_SHUTDOWN)
		return SHUT_DOWN;
	assert_int_equal(exit, RECOMP_HALT);
	m.cpu.halted = false;
	return at < 0x1000 && !(at & 15) ? (int)(at / 16) : HALTED;
}

/* The n-th dword from the top of the stack: an error code first, if there is one, then EIP .. */
static inline u32 frame(unsigned n)
{
	return get(m.cpu.seg[SEG_SS].base + m.cpu.gpr[REG_ESP] + 4 * n, 4);
}

static inline u16 frame16(unsigned n)
{
	return (u16)get(m.cpu.seg[SEG_SS].base + m.cpu.gpr[REG_ESP] + 2 * n, 2);
}

/* Runs into a fault with this error code, at this EIP. */
#define assert_fault(vector, code, at)                   \
	do {                                             \
		assert_int_equal(guest_run(), (vector)); \
		assert_int_equal(frame(0), (code));      \
		assert_int_equal(frame(1), (at));        \
	} while (0)

/* The test's name is its initial state, for the dumps. */
#define GUEST_TEST(f) \
	cmocka_unit_test_prestate_setup_teardown(f, guest_setup, NULL, (void *)(uintptr_t) #f)
#define GUEST_MAIN(tests)                                                                       \
	int main(void)                                                                          \
	{                                                                                       \
		return cmocka_run_group_tests_name(#tests, tests, guest_create, guest_destroy); \
	}
