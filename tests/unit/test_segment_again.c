/* SPDX-License-Identifier: MIT */
/*
 * Loads of data segments that are done over and over (emu/trans/stub_segment.c) and far transfers
 * through descriptors that were seen before (cpu_load_known()): the short way is taken, and not a
 * load too long: whatever changes what the processor would find there ends it. Alone: make
 * build/unit/test_segment_again && build/unit/test_segment_again
 */
#include "tests/unit/loads_fixture.h"

/* Each round: mov fs, eax; mov edx, fs:[0] */
static const u8 load[] = { 0x8e, 0xe0, 0x64, 0x8b, 0x15, IMM32(0) };

#define ROUND(n, ...) ROUNDS_OF(load, n, __VA_ARGS__)
#define NOP	      0x90

static int setup(void **state)
{
	guest_setup(state);
	gdt(S, BASE_1, 0xfffff, ATTR_DATA32);
	gdt(S + 8, BASE_2, 0xfffff, ATTR_DATA32);
	put(BASE_1, 0x11111111, 4);
	put(BASE_2, 0x22222222, 4);
	return 0;
}

static void taken(void **state)
{
	u64 before;

	(void)state;
	/* mov es, ebx; push es; pop es; push fs; pop fs; mov gs, eax; mov fs, esi (null); mov gs,
	 * esi */
	ROUND(ROUNDS, 0x8e, 0xc3, 0x06, 0x07, 0x0f, 0xa0, 0x0f, 0xa1, 0x8e, 0xe8, 0x8e, 0xe6, 0x8e,
	      0xee);
	m.cpu.gpr[REG_EBX] = DATA0;
	m.cpu.gpr[REG_ESI] = 0;
	before = by_c();
	assert_int_equal(guest_run(), VEC_END);
	assert_in_range(by_c() - before, 1, 20);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x11111111);
	assert_int_equal(m.cpu.gpr[REG_ESP] + 12, STACK0);
	assert_int_equal(m.cpu.seg[SEG_ES].sel, DATA0);
	assert_int_equal(m.cpu.seg[SEG_FS].sel, 0);
	assert_true(m.cpu.seg[SEG_FS].attr & SEG_ATTR_UNUSABLE);
	assert_true(m.cpu.seg[SEG_GS].attr & SEG_ATTR_UNUSABLE);
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
		/* push esi; popf; mov fs, eax; mov gs, ebx; push es; pop es; pushf; pop edi; cld */
		ROUND(4, 0x56, 0x9d, 0x8e, 0xe0, 0x8e, 0xeb, 0x06, 0x07, 0x9c, 0x5f, 0xfc);
		m.cpu.gpr[REG_EBX] = 0;
		m.cpu.gpr[REG_ESI] = f;
		assert_int_equal(guest_run(), VEC_END);
		assert_int_equal(m.cpu.gpr[REG_EDI], f);
	}
}

/* Only the low word of a register is a selector; its RPL is part of it. */
static void selectors(void **state)
{
	(void)state;
	ROUND(ROUNDS, NOP);
	assert_int_equal(guest_run(), VEC_END);
	CODE(AT_CODE, 0x8e, 0xe0, 0x64, 0x8b, 0x15, IMM32(0), INT_END);
	m.cpu.gpr[REG_EAX] = 0xabcd0000 | S;
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.seg[SEG_FS].sel, S);
	m.cpu.gpr[REG_EAX] = S | 3; /* RPL above DPL */
	m.cpu.eip = AT_CODE;
	assert_fault(VEC_GP, S, AT_CODE);
}

/* The guest writes to its own table between two loads: base, then presence. */
static void descriptor_changes(void **state)
{
	const u32 low = AT_GDT + S + 2, rights = AT_GDT + S + 5;

	(void)state;
	/* cmp ecx, 10; jne +7; mov word [low], BASE_2 */
	ROUND(ROUNDS, 0x83, 0xf9, 10, 0x75, 9, 0x66, 0xc7, 0x05, IMM32(low), IMM16(BASE_2));
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x22222222);

	/* cmp ecx, 10; jne +7; and byte [rights], 7fh */
	ROUND(ROUNDS, 0x83, 0xf9, 10, 0x75, 7, 0x80, 0x25, IMM32(rights), 0x7f);
	assert_fault(VEC_NP, S, AT_CODE);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);
}

/* LGDT: another table, and a limit that cuts the descriptor off. */
static void table_changes(void **state)
{
	const u32 image = AT_DATA + 0x800;

	(void)state;
	memcpy(m.ram + 0x1800, m.ram + AT_GDT, 0x100);
	put_descriptor(0x1800 + S, BASE_2, 0xfffff, ATTR_DATA32);
	put(image, 0xff, 2);
	put(image + 2, 0x1800, 4);
	/* cmp ecx, 10; jne +7; lgdt [image] */
	ROUND(ROUNDS, 0x83, 0xf9, 10, 0x75, 7, 0x0f, 0x01, 0x15, IMM32(image));
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x22222222);

	setup(state);
	put(image, S + 6, 2);
	put(image + 2, AT_GDT, 4);
	ROUND(ROUNDS, 0x83, 0xf9, 10, 0x75, 7, 0x0f, 0x01, 0x15, IMM32(image));
	assert_fault(VEC_GP, S, AT_CODE);
	assert_int_equal(m.cpu.gpr[REG_ECX], 9);
}

/* The table's page is another after INVLPG. */
static void mapping_changes(void **state)
{
	const u32 other = 0x40000, entry = AT_PAGES + 0x1000 + 4 * (AT_GDT >> PAGE_SHIFT);

	(void)state;
	guest_paging();
	memcpy(m.ram + other, m.ram + AT_GDT, PAGE_SIZE);
	put_descriptor(other + S, BASE_2, 0xfffff, ATTR_DATA32);
	/* cmp ecx, 10; jne +17; mov [entry], other | 7; invlpg [AT_GDT] */
	ROUND(ROUNDS, 0x83, 0xf9, 10, 0x75, 17, 0xc7, 0x05, IMM32(entry), IMM32(other | 7), 0x0f,
	      0x01, 0x3d, IMM32(AT_GDT));
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_EDX], 0x22222222);
}

/* What ring 0 loads, ring 3 may not. */
static void another_level(void **state)
{
	(void)state;
	ROUND(ROUNDS, NOP);
	assert_int_equal(guest_run(), VEC_END);
	set_ring(3);
	CODE(AT_TARGET, 0x8e, 0xe0, INT_END);
	m.cpu.gpr[REG_EAX] = S;
	m.cpu.eip = AT_TARGET;
	assert_fault(VEC_GP, S, AT_TARGET);
	setup(state); /* ring 1 runs the same blocks as ring 0 */
	ROUND(ROUNDS, NOP);
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

/* POP of a selector whose page is not there: nothing has moved. */
static void stack_faults(void **state)
{
	(void)state;
	guest_paging();
	/* push fs; pop fs */
	ROUND(ROUNDS, 0x0f, 0xa0, 0x0f, 0xa1);
	assert_int_equal(guest_run(), VEC_END);
	set_page(0x50000, 0x50000 | 6);
	put_gate(AT_IDT + 8 * VEC_PF, TSS_B, 0, 0x85, 0); /* a stack of its own */
	put(AT_TSS_B + 0x20, HANDLER(VEC_PF), 4);
	put(AT_TSS_B + 0x1c, AT_PAGES, 4);
	put(AT_TSS_B + 0x38, STACK_TSS, 4);
	put(AT_TSS_B + 0x4c, CODE0, 2);
	put(AT_TSS_B + 0x50, DATA0, 2);
	m.cpu.gpr[REG_ESP] = 0x50000;
	m.cpu.eip = AT_CODE + 11;
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(m.cpu.cr2, 0x50000);
	assert_int_equal(get(AT_TSS + 0x20, 4), AT_CODE + 11); /* EIP and ESP of the old task */
	assert_int_equal(get(AT_TSS + 0x38, 4), 0x50000);
}

/* Far transfers: INT and IRET over and over, and the code segment's descriptor goes away. */
static void transfers(void **state)
{
	(void)state;
	gdt(S, 0, 0xfffff, ATTR_CODE32);
	idt(0x40, S, AT_TARGET, 0x8e);
	CODE(AT_TARGET, 0xcf); /* iret */
	/* L: int 40h; dec ecx; jnz L; and byte [rights], 7fh; int 40h */
	CODE(AT_CODE, 0xcd, 0x40, 0x49, 0x75, 0xfb, 0x80, 0x25, IMM32(AT_GDT + S + 5), 0x7f, 0xcd,
	     0x40);
	m.cpu.gpr[REG_ECX] = ROUNDS;
	assert_fault(VEC_NP, S, AT_CODE + 12);

	setup(state); /* the same, back to a CS that is gone: IRET's own fault */
	gdt(S, 0, 0xfffff, ATTR_CODE32);
	idt(0x40, CODE0, AT_TARGET, 0x8e);
	/* dec ecx; jnz +7; and byte [rights], 7fh; iret */
	CODE(AT_TARGET, 0x49, 0x75, 7, 0x80, 0x25, IMM32(AT_GDT + S + 5), 0x7f, 0xcf);
	CODE(AT_CODE, FAR_JMP(S, AT_CODE + 7), 0xcd, 0x40, 0xeb, 0xfc);
	m.cpu.gpr[REG_ECX] = ROUNDS;
	assert_fault(VEC_NP, S, AT_TARGET + 10);
}

/* From ring 3 and back, by the stack of the TSS; its descriptor becomes read-only. */
static void stacks(void **state)
{
	(void)state;
	gdt(S, 0, 0xfffff, ATTR_DATA32);
	put(AT_TSS + 8, S, 2);
	idt(0x40, CODE0, AT_TARGET, 0xee);
	/* dec ecx; jnz +7; and byte [rights], fdh; iret */
	CODE(AT_TARGET, 0x49, 0x75, 7, 0x80, 0x25, IMM32(AT_GDT + S + 5), 0xfd, 0xcf);
	CODE(AT_CODE, 0xcd, 0x40, 0xeb, 0xfc);
	put_gate(AT_IDT + 8 * VEC_TS, TSS_B, 0, 0x85, 0);
	put(AT_TSS_B + 0x20, HANDLER(VEC_TS), 4);
	put(AT_TSS_B + 0x38, STACK0, 4);
	put(AT_TSS_B + 0x4c, CODE0, 2);
	put(AT_TSS_B + 0x50, DATA0, 2);
	set_ring(3);
	m.cpu.gpr[REG_ECX] = ROUNDS;
	assert_int_equal(guest_run(), VEC_TS);
	assert_int_equal(frame(0), S);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(taken),	     TEST(flags),
		TEST(selectors),     TEST(descriptor_changes),
		TEST(table_changes), TEST(mapping_changes),
		TEST(another_level), TEST(stack_faults),
		TEST(transfers),     TEST(stacks),
	};

	return cmocka_run_group_tests_name("segment_again", tests, guest_create, guest_destroy);
}
