/* SPDX-License-Identifier: MIT */
/*
 * Far CALL and JMP through call gates: SDM 3A 5.8.3 to 5.8.5, and SDM 2 CALL and JMP for the checks
 * and their order.
 */
#include "tests/unit/guest_fixture.h"

#define GATE   FREE
#define TARGET (FREE + 0x08) /* a code segment of the test's own */
#define STACK  (FREE + 0x10) /* a stack segment */
#define CALL32 0x8c
#define CALL16 0x84
#define USER   0x60 /* DPL 3 */

static void gate(u16 sel, u32 offset, u32 type_attr, unsigned count)
{
	put_gate(AT_GDT + GATE, sel, offset, type_attr, count);
}

static void caller(unsigned cpl)
{
	set_ring(cpl);
	CODE(AT_CODE, FAR_CALL(GATE | 3, 0xdeadbeef), INT_END);
}

static void inner_level_copies_parameters(void **state)
{
	(void)state;
	gate(CODE0, AT_TARGET, CALL32 | USER, 3);
	caller(3);
	put(STACK3 - 12, 0xaaaa0001, 4);
	put(STACK3 - 8, 0xaaaa0002, 4);
	put(STACK3 - 4, 0xaaaa0003, 4);
	m.cpu.gpr[REG_ESP] = STACK3 - 12;
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_TARGET + 1);
	assert_int_equal(m.cpu.cpl, 0);
	assert_int_equal(m.cpu.seg[SEG_CS].sel, CODE0);
	assert_int_equal(m.cpu.seg[SEG_SS].sel, DATA0);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK_TSS - 28);
	assert_int_equal(frame(0), AT_CODE + 7);
	assert_int_equal(frame(1), CODE3);
	assert_int_equal(frame(2), 0xaaaa0001);
	assert_int_equal(frame(3), 0xaaaa0002);
	assert_int_equal(frame(4), 0xaaaa0003);
	assert_int_equal(frame(5), STACK3 - 12);
	assert_int_equal(frame(6), DATA3);
}

static void and_back_releases_them_on_both_stacks(void **state)
{
	(void)state;
	gate(CODE0, AT_TARGET, CALL32 | USER, 3);
	caller(3);
	m.cpu.gpr[REG_ESP] = STACK3 - 12;
	CODE(AT_TARGET, 0xca, 12, 0); /* retf 12 */
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(0), AT_CODE + 9);
	assert_int_equal(frame(1), CODE3);
	assert_int_equal(frame(3), STACK3);
	assert_int_equal(frame(4), DATA3);
}

static void gate_of_16_bits_pushes_words(void **state)
{
	(void)state;
	gate(CODE0, 0xffff0000 | AT_TARGET, CALL16 | USER, 2);
	caller(3);
	put(STACK3 - 4, 0xbbbbaaaa, 4);
	m.cpu.gpr[REG_ESP] = STACK3 - 4;
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_TARGET + 1);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK_TSS - 12);
	assert_int_equal(frame16(0), AT_CODE + 7);
	assert_int_equal(frame16(1), CODE3);
	assert_int_equal(frame16(2), 0xaaaa);
	assert_int_equal(frame16(3), 0xbbbb);
	assert_int_equal(frame16(4), STACK3 - 4);
	assert_int_equal(frame16(5), DATA3);
}

static void thirty_one_parameters(void **state)
{
	(void)state;
	gate(CODE0, AT_TARGET, CALL32 | USER, 31);
	caller(3);
	m.cpu.gpr[REG_ESP] = STACK3 - 124;
	for (u32 i = 0; i < 31; i++)
		put(STACK3 - 124 + 4 * i, 0x100 + i, 4);
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK_TSS - 140);
	for (u32 i = 0; i < 31; i++)
		assert_int_equal(frame(2 + i), 0x100 + i);
	assert_int_equal(frame(33), STACK3 - 124);
}

/* The TSS's 16-bit format holds SP and SS of a level in four bytes. */
static void stack_from_a_16_bit_tss(void **state)
{
	(void)state;
	gate(CODE0, AT_TARGET, CALL32 | USER, 0);
	caller(3);
	m.cpu.tr = (struct cpu_segment){ TSS_16, 0x83, AT_TSS_16, 0x2b };
	put(AT_TSS_16 + 2, STACK_TSS - 0x100, 2);
	put(AT_TSS_16 + 4, DATA0, 2);
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK_TSS - 0x100 - 16);
}

static void conforming_target_keeps_level_and_stack(void **state)
{
	(void)state;
	gdt(TARGET, 0, 0xfffff, ATTR_CONF32);
	gate(TARGET, AT_TARGET, CALL32 | USER, 5);
	caller(3);
	CODE(AT_TARGET, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(1), TARGET | 3);
	assert_int_equal(frame(3), STACK3 - 8); /* no parameters */
	assert_int_equal(get(STACK3 - 8, 4), AT_CODE + 7);
	assert_int_equal(get(STACK3 - 4, 4), CODE3);
}

static void same_level(void **state)
{
	(void)state;
	gate(CODE0, AT_TARGET, CALL32 | USER, 5);
	caller(0);
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK0 - 8);
	assert_int_equal(frame(0), AT_CODE + 7);
	assert_int_equal(frame(1), CODE0);
}

static void jump_keeps_the_level(void **state)
{
	(void)state;
	gdt(TARGET, 0, 0xfffff, ATTR_CONF32);
	gate(TARGET, AT_TARGET, CALL32 | USER, 0);
	set_ring(3);
	CODE(AT_CODE, FAR_JMP(GATE | 3, 0));
	CODE(AT_TARGET, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(1), TARGET | 3);
	assert_int_equal(frame(3), STACK3);
}

static void jump_inward_is_refused(void **state)
{
	(void)state;
	gate(CODE0, AT_TARGET, CALL32 | USER, 0);
	set_ring(3);
	CODE(AT_CODE, FAR_JMP(GATE | 3, 0));
	assert_fault(VEC_GP, CODE0, AT_CODE);
}

/*
 * --- Checks: a call from ring 3 to ring 1, so that the handler's own stack, of ring 0, stays
 * whole. Each case spoils one thing, or two, of which the first must be reported.
 */

static void good(void)
{
	gdt(TARGET, 0, 0xfffff, ATTR_CODE32 | ATTR_DPL(1));
	gdt(STACK, 0, 0xfffff, ATTR_DATA32 | ATTR_DPL(1));
	gate(TARGET, AT_TARGET, CALL32 | USER, 2);
	put(AT_TSS + 12, STACK_TSS - 0x800, 4);
	put(AT_TSS + 16, STACK | 1, 2);
	caller(3);
	CODE(AT_TARGET, INT_END);
}

static void gate_dpl(void)
{
	gate(TARGET, AT_TARGET, CALL32, 2);
}

static void gate_absent(void)
{
	gate(TARGET, AT_TARGET, (CALL32 | USER) & ~0x80u, 2);
}

static void gate_dpl_and_absent(void)
{
	gate(TARGET, AT_TARGET, CALL32 & ~0x80u, 2);
}

static void code_null(void)
{
	gate(0, AT_TARGET, CALL32 | USER, 2);
}

static void code_beyond(void)
{
	gate(0x100, AT_TARGET, CALL32 | USER, 2);
}

static void code_is_data(void)
{
	gdt(TARGET, 0, 0xfffff, ATTR_DATA32);
}

static void code_absent(void)
{
	gdt(TARGET, 0, 0xfffff, (ATTR_CODE32 | ATTR_DPL(1)) & ~ATTR_P);
}

static void code_is_data_and_absent(void)
{
	gdt(TARGET, 0, 0xfffff, ATTR_DATA32 & ~ATTR_P);
}

static void tss_short(void)
{
	m.cpu.tr.limit = 16; /* SS1 ends at 17 */
}

static void stack_null(void)
{
	put(AT_TSS + 16, 0, 2);
}

static void stack_beyond(void)
{
	put(AT_TSS + 16, 0x101, 2);
}

static void stack_rpl(void)
{
	put(AT_TSS + 16, STACK | 2, 2);
}

static void stack_dpl(void)
{
	gdt(STACK, 0, 0xfffff, ATTR_DATA32 | ATTR_DPL(2));
}

static void stack_read_only(void)
{
	gdt(STACK, 0, 0xfffff, (ATTR_DATA32 | ATTR_DPL(1)) & ~2u);
}

static void stack_absent(void)
{
	gdt(STACK, 0, 0xfffff, (ATTR_DATA32 | ATTR_DPL(1)) & ~ATTR_P);
}

static void stack_small(void)
{
	/* Expand-down: the lowest valid offset is one byte too high for two parameters and 16
	 * bytes. */
	gdt(STACK, 0, STACK_TSS - 0x800 - 24, 0x497 | ATTR_DPL(1));
}

static void stack_just_fits(void)
{
	gdt(STACK, 0, STACK_TSS - 0x800 - 25, 0x497 | ATTR_DPL(1));
}

static void offset_beyond(void)
{
	gdt(TARGET, 0, AT_TARGET - 1, (ATTR_CODE32 | ATTR_DPL(1)) & ~0x800u);
}

static void stack_small_and_offset_beyond(void)
{
	stack_small();
	offset_beyond();
}

static const struct {
	void (*spoil)(void);
	u8 vector;
	u16 error;
} check[] = {
	{ gate_dpl, VEC_GP, GATE },
	{ gate_absent, VEC_NP, GATE },
	{ gate_dpl_and_absent, VEC_GP, GATE },
	{ code_null, VEC_GP, 0 },
	{ code_beyond, VEC_GP, 0x100 },
	{ code_is_data, VEC_GP, TARGET },
	{ code_absent, VEC_NP, TARGET },
	{ code_is_data_and_absent, VEC_GP, TARGET },
	{ tss_short, VEC_TS, TSS_A },
	{ stack_null, VEC_TS, 0 },
	{ stack_beyond, VEC_TS, 0x100 },
	{ stack_rpl, VEC_TS, STACK },
	{ stack_dpl, VEC_TS, STACK },
	{ stack_read_only, VEC_TS, STACK },
	{ stack_absent, VEC_SS, STACK },
	{ stack_small, VEC_SS, STACK },
	{ offset_beyond, VEC_GP, 0 },
	{ stack_small_and_offset_beyond, VEC_SS, STACK },
};

static void checks(void **state)
{
	good();
	stack_just_fits();
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(1), TARGET | 1);
	assert_int_equal(frame(3), STACK_TSS - 0x800 - 24);
	assert_int_equal(frame(4), STACK | 1);
	for (unsigned i = 0; i < ARRAY_SIZE(check); i++) {
		guest_setup(state);
		good();
		check[i].spoil();
		assert_fault(check[i].vector, check[i].error, AT_CODE);
		/* Nothing has moved. */
		assert_int_equal(frame(2), CODE3);
		assert_int_equal(frame(4), STACK3);
		assert_int_equal(frame(5), DATA3);
	}
}

/* The RPL of the selector counts as the caller's level (SDM 3A 5.8.4). */
static void selector_rpl(void **state)
{
	(void)state;
	gate(CODE0, AT_TARGET, CALL32, 0);
	set_ring(0);
	CODE(AT_CODE, FAR_CALL(GATE | 3, 0));
	assert_fault(VEC_GP, GATE, AT_CODE);
}

static void outer_code_segment(void **state)
{
	(void)state;
	gate(CODE3, AT_TARGET, CALL32, 0);
	set_ring(0);
	CODE(AT_CODE, FAR_CALL(GATE, 0));
	assert_fault(VEC_GP, CODE3 & ~3, AT_CODE);
}

static const struct CMUnitTest call_gate[] = {
	GUEST_TEST(inner_level_copies_parameters),
	GUEST_TEST(and_back_releases_them_on_both_stacks),
	GUEST_TEST(gate_of_16_bits_pushes_words),
	GUEST_TEST(thirty_one_parameters),
	GUEST_TEST(stack_from_a_16_bit_tss),
	GUEST_TEST(conforming_target_keeps_level_and_stack),
	GUEST_TEST(same_level),
	GUEST_TEST(jump_keeps_the_level),
	GUEST_TEST(jump_inward_is_refused),
	GUEST_TEST(checks),
	GUEST_TEST(selector_rpl),
	GUEST_TEST(outer_code_segment),
};
GUEST_MAIN(call_gate)
