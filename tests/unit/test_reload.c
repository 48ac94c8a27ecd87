/* SPDX-License-Identifier: MIT */
/*
 * Loads of DS and ES that change the mode over and over, without C (emu/trans/stub_reload.c): the
 * short way is taken, goes on in the right mode, and not a load too long. ES is a segment of 64 KiB
 * and a flat one by turns. Alone: make build/unit/test_reload && build/unit/test_reload
 */
#include "tests/unit/loads_fixture.h"

#define NARROW 0x493u /* data of 32 bits, whose limit is in bytes */
#define L      0x04u  /* the first of the LDT */

/* Each round loads ES from EAX, EDX from ES:0, and ES from EBX. */
static const u8 load[] = { 0x8e, 0xc0, 0x26, 0x8b, 0x15, IMM32(0), 0x8e, 0xc3 };

#define ROUND(...)                                    \
	do {                                          \
		ROUNDS_OF(load, ROUNDS, __VA_ARGS__); \
		m.cpu.gpr[REG_EBX] = DATA0;           \
	} while (0)

static int setup(void **state)
{
	guest_setup(state);
	gdt(S, BASE_1, 0xffff, NARROW);
	gdt(S + 16, BASE_2, 0xffff, NARROW);
	put_descriptor(AT_LDT, BASE_1, 0xffff, NARROW);
	m.cpu.ldtr = (struct cpu_segment){ LDT, 0x82, AT_LDT, 0xff };
	put(BASE_1, 0x11111111, 4);
	put(BASE_2, 0x22222222, 4);
	return 0;
}

/* From a register, from memory, by POP of 32 and of 16 bits; to null, too. */
static void taken(void **state)
{
	u64 before;

	(void)state;
	put(AT_DATA + 0x800, S + 16, 2);
	/* mov es, [..]; mov ebp, es:[0]; push ds; pop es; mov ds, esi (null); push16 es; pop16 ds;
	 * mov edi, ds */
	ROUND(0x8e, 0x05, IMM32(AT_DATA + 0x800), 0x26, 0x8b, 0x2d, IMM32(0), 0x1e, 0x07, 0x8e,
	      0xde, 0x66, 0x06, 0x66, 0x1f, 0x8c, 0xdf);
	m.cpu.gpr[REG_ESI] = 0;
	before = by_c();
	assert_int_equal(guest_run(), VEC_END);
	assert_in_range(by_c() - before, 1, 40);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x11111111);
	assert_int_equal(m.cpu.gpr[REG_EBP], 0x22222222);
	assert_int_equal(m.cpu.gpr[REG_EDI], DATA0);
	assert_int_equal(m.cpu.gpr[REG_ESP] + 12, STACK0);
	assert_true(cpu_same_segments(m.cpu.seg, m.cpu.mode_seg));
}

/* Every image of the arithmetic flags and DF comes through. */
static void flags(void **state)
{
	const u32 bits[] = { EFLAGS_CF, EFLAGS_PF, EFLAGS_AF, EFLAGS_ZF,
			     EFLAGS_SF, EFLAGS_DF, EFLAGS_OF };

	for (unsigned image = 0; image < BIT(ARRAY_SIZE(bits)); image++) {
		u32 f = EFLAGS_ONE;

		for (unsigned i = 0; i < ARRAY_SIZE(bits); i++)
			f |= image & BIT(i) ? bits[i] : 0;
		setup(state);
		/* push esi; popf; mov es, eax; mov es, ebx; pushf; pop edi; cld */
		ROUND(0x56, 0x9d, 0x8e, 0xc0, 0x8e, 0xc3, 0x9c, 0x5f, 0xfc);
		m.cpu.gpr[REG_ECX] = 4;
		m.cpu.gpr[REG_ESI] = f;
		assert_int_equal(guest_run(), VEC_END);
		assert_int_equal(m.cpu.gpr[REG_EDI], f);
	}
}

/* Two selectors of one place in the memory of loads; RPL is part of it. */
static void selectors(void **state)
{
	(void)state;
	gdt(S + 0x40, BASE_2, 0xffff, NARROW);
	/* mov es, esi; mov ebp, es:[0]; mov es, ebx */
	ROUND(0x8e, 0xc6, 0x26, 0x8b, 0x2d, IMM32(0), 0x8e, 0xc3);
	m.cpu.gpr[REG_ESI] = S + 0x40;
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x11111111);
	assert_int_equal(m.cpu.gpr[REG_EBP], 0x22222222);
	m.cpu.gpr[REG_EAX] = S | 3; /* RPL above DPL */
	m.cpu.eip = AT_CODE;
	assert_fault(VEC_GP, S, AT_CODE);
}

/* The guest writes to its own table between two loads: base, presence, and a limit that makes the
 * mode another. */
static void descriptor_changes(void **state)
{
	const u32 low = AT_GDT + S + 2, rights = AT_GDT + S + 5;

	(void)state;
	/* cmp ecx, 10; jne +9; mov word [low], BASE_2 */
	ROUND(0x83, 0xf9, 10, 0x75, 9, 0x66, 0xc7, 0x05, IMM32(low), IMM16(BASE_2));
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x22222222);

	setup(state); /* cmp ecx, 10; jne +7; and byte [rights], 7fh */
	ROUND(0x83, 0xf9, 10, 0x75, 7, 0x80, 0x25, IMM32(rights), 0x7f);
	assert_fault(VEC_NP, S, AT_CODE);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);

	setup(state); /* cmp ecx, 10; jne +9; mov word [limit], 2 */
	ROUND(0x83, 0xf9, 10, 0x75, 9, 0x66, 0xc7, 0x05, IMM32(AT_GDT + S), IMM16(2));
	assert_fault(VEC_GP, 0, AT_CODE + 2);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);
}

/* LGDT and LLDT: other tables. */
static void table_changes(void **state)
{
	const u32 image = AT_DATA + 0x800, other = 0x1800;

	(void)state;
	memcpy(m.ram + other, m.ram + AT_GDT, 0x100);
	put_descriptor(other + S, BASE_2, 0xffff, NARROW);
	put(image, 0xff, 2);
	put(image + 2, other, 4);
	/* cmp ecx, 10; jne +7; lgdt [image] */
	ROUND(0x83, 0xf9, 10, 0x75, 7, 0x0f, 0x01, 0x15, IMM32(image));
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x22222222);

	setup(state);
	gdt(S + 16, other, 0xff, 0x82);
	put_descriptor(other, BASE_2, 0xffff, NARROW);
	/* cmp ecx, 10; jne +3; lldt si */
	ROUND(0x83, 0xf9, 10, 0x75, 3, 0x0f, 0x00, 0xd6);
	m.cpu.gpr[REG_EAX] = L;
	m.cpu.gpr[REG_ESI] = S + 16;
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x22222222);
}

/* The table's page is another after INVLPG. */
static void mapping_changes(void **state)
{
	const u32 other = 0x40000, entry = AT_PAGES + 0x1000 + 4 * (AT_GDT >> PAGE_SHIFT);

	(void)state;
	guest_paging();
	memcpy(m.ram + other, m.ram + AT_GDT, PAGE_SIZE);
	put_descriptor(other + S, BASE_2, 0xffff, NARROW);
	/* cmp ecx, 10; jne +17; mov [entry], other | 7; invlpg [AT_GDT] */
	ROUND(0x83, 0xf9, 10, 0x75, 17, 0xc7, 0x05, IMM32(entry), IMM32(other | 7), 0x0f, 0x01,
	      0x3d, IMM32(AT_GDT));
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x22222222);
}

/* What ring 0 loads, ring 1 may not, which runs the same blocks. */
static void another_level(void **state)
{
	(void)state;
	ROUND(0x90);
	assert_int_equal(guest_run(), VEC_END);
	gdt(S + 16, 0, 0xfffff, ATTR_CODE32 | ATTR_DPL(1));
	gdt(S + 24, 0, 0xfffff, ATTR_DATA32 | ATTR_DPL(1));
	set_segment(SEG_CS, (S + 16) | 1);
	set_segment(SEG_SS, (S + 24) | 1);
	set_segment(SEG_DS, (S + 24) | 1);
	m.cpu.cpl = 1;
	m.cpu.gpr[REG_ESP] = STACK3;
	m.cpu.eip = AT_CODE;
	assert_fault(VEC_GP, S, AT_CODE);
}

/* An event that is pending is taken behind the load, in the mode that the load makes. */
static void event(void **state)
{
	(void)state;
	ROUND(0x90);
	assert_int_equal(guest_run(), VEC_END);
	for (unsigned i = 0; i < 8; i++) {
		m.cpu.eip = AT_CODE;
		m.cpu.gpr[REG_ECX] = ROUNDS;
		recomp_signal(&m.cpu, CPU_EVENT_YIELD);
		assert_int_equal(machine_run(&m), RECOMP_EVENT);
		m.cpu.gpr[REG_EDX] = 0;
		assert_int_equal(guest_run(), VEC_END);
		assert_int_equal(m.cpu.gpr[REG_EDX], 0x11111111);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(taken),	     TEST(flags),
		TEST(selectors),     TEST(descriptor_changes),
		TEST(table_changes), TEST(mapping_changes),
		TEST(another_level), TEST(event),
	};

	return cmocka_run_group_tests_name("reload", tests, guest_create, guest_destroy);
}
