/* SPDX-License-Identifier: MIT */
/*
 * Which bytes an instruction touches, and that it changes nothing before the last of them is known
 * to be there. build/diff/fault_forms looks at every instruction; here are those that it found
 * wrong.
 */
#include "tests/unit/guest_fixture.h"

#define PAGE_A 0x40000u
#define PAGE_B (PAGE_A + PAGE_SIZE)

/* Runs into a page fault at this address with this error code, and repairs the page. */
static void fault_at(u32 address, u32 error)
{
	assert_int_equal(guest_run(), VEC_PF);
	assert_int_equal(frame(0), error);
	assert_int_equal(frame(1), AT_CODE);
	assert_int_equal(m.cpu.cr2, address);
}

/* ENTER, its frame pointers on a page that is not there: nothing is pushed yet. */
static void enter_pushes_last(void **state)
{
	(void)state;
	guest_paging();
	set_ring(3);
	CODE(AT_CODE, 0xc8, 8, 0, 2, INT_END);
	memset(m.ram + PAGE_A, 0x5a, 2 * PAGE_SIZE);
	set_page(PAGE_B, 0);
	m.cpu.gpr[REG_ESP] = PAGE_A + 0x100;
	m.cpu.gpr[REG_EBP] = PAGE_B + 0x100;
	fault_at(PAGE_B + 0xfc, 4);
	assert_int_equal(get(PAGE_A + 0xfc, 4), 0x5a5a5a5a);
	assert_int_equal(get(STACK_TSS - 8, 4), PAGE_A + 0x100); /* ESP of the frame */
}

/* ... or the new top of the stack. */
static void enter_probes_the_top(void **state)
{
	(void)state;
	guest_paging();
	set_ring(3);
	CODE(AT_CODE, 0xc8, IMM16(0x200), 0, INT_END);
	memset(m.ram + PAGE_A, 0x5a, 2 * PAGE_SIZE);
	set_page(PAGE_A, PAGE_A | 5);
	m.cpu.gpr[REG_ESP] = PAGE_B + 0x100;
	fault_at(PAGE_B + 0xfc - 0x200, 7);
	assert_int_equal(get(PAGE_B + 0xfc, 4), 0x5a5a5a5a);
}

/* A frame pointer that ENTER reads may be one that it has just pushed. */
static void enter_reads_what_it_pushed(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xc8, 0, 0, 3, INT_END);
	m.cpu.gpr[REG_EBP] = m.cpu.gpr[REG_ESP]; /* so that [EBP - 4] is the EBP that was pushed */
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(get(STACK0 - 4, 4), STACK0);
	assert_int_equal(get(STACK0 - 8, 4), STACK0);
	assert_int_equal(get(STACK0 - 12, 4), STACK0);
	assert_int_equal(get(STACK0 - 16, 4), STACK0 - 4);
}

static const struct CMUnitTest touched[] = {
	GUEST_TEST(enter_pushes_last),
	GUEST_TEST(enter_probes_the_top),
	GUEST_TEST(enter_reads_what_it_pushed),
};
GUEST_MAIN(touched)
