/* SPDX-License-Identifier: MIT */
/*
 * Unmasked x87 errors (SDM 1 8.7, SDM 3A 6.15 #MF): reported at the next waiting instruction, as
 * #MF with CR0.NE = 1, as IRQ 13 of a PC with CR0.NE = 0.
 */
#include "tests/unit/guest_fixture.h"

#define IRQ13 0x75

/* fninit; fldcw [data] (zero divide unmasked); fld1; fldz; fdivp; then: */
#define DIVIDE 0xdb, 0xe3, 0xd9, 0x2d, IMM32(AT_DATA), 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9
#define AFTER  (AT_CODE + 14)

static void setup(bool ne)
{
	put(AT_DATA, 0x37f & ~4u, 2);
	if (!ne)
		m.cpu.cr0 &= ~CR0_NE;
}

static void native_error(void **state)
{
	(void)state;
	setup(true);
	CODE(AT_CODE, DIVIDE, 0x40, 0x9b, 0x41, HLT); /* inc eax; fwait; inc ecx */
	assert_int_equal(guest_run(), VEC_MF);
	assert_int_equal(frame(0), AFTER + 1);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
	assert_int_equal(m.fpu_errors, 0);
}

static void every_waiting_instruction_reports(void **state)
{
	static const u8 code[][6] = { { 0x9b },				/* fwait */
				      { 0xd9, 0xe8 },			/* fld1 */
				      { 0xd9, 0x25, IMM32(AT_DATA) },	/* fldenv */
				      { 0xdd, 0x25, IMM32(AT_DATA) } }; /* frstor */

	for (unsigned i = 0; i < 2 * ARRAY_SIZE(code); i++) {
		guest_setup(state);
		setup(!(i & 1));
		m.cpu.vif = EFLAGS_IF;
		CODE(AT_CODE, DIVIDE);
		set_code(AFTER, code[i / 2], 6);
		assert_int_equal(guest_run(), i & 1 ? IRQ13 : VEC_MF);
		assert_int_equal(frame(0), AFTER);
	}
}

static void others_do_not_wait(void **state)
{
	(void)state;
	setup(true);
	/* fnstsw ax; fnstcw; fnclex; fwait */
	CODE(AT_CODE, DIVIDE, 0xdf, 0xe0, 0xd9, 0x3d, IMM32(AT_DATA + 4), 0xdb, 0xe2, 0x9b, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_true(m.cpu.gpr[REG_EAX] & 0x8004); /* busy, zero divide */
}

/* The handler of IRQ 13 clears the error; the instruction that waited goes on. */
static void by_interrupt(void **state)
{
	(void)state;
	setup(false);
	m.cpu.vif = EFLAGS_IF;
	idt(IRQ13, CODE0, AT_TARGET, 0x8e);
	CODE(AT_CODE, DIVIDE, 0xd9, 0xe8, 0x41, HLT); /* fld1; inc ecx */
	CODE(AT_TARGET, 0x43, 0xe6, 0xf0, 0xdb, 0xe2,
	     0xcf); /* inc ebx; out f0h, al; fnclex; iret */
	m.cpu.gpr[REG_EBX] = 0;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX], 1);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0x22222223);
	assert_int_equal(m.fpu_errors, 1);
	assert_int_equal(m.port[0].port, 0xf0);
}

/* With IF = 0 the processor waits; the monitor can have it back. */
static void waits_while_interrupts_are_off(void **state)
{
	(void)state;
	setup(false);
	CODE(AT_CODE, DIVIDE, 0x9b, HLT);
	for (unsigned i = 0; i < 5 + 20; i++)
		assert_int_equal(machine_step(&m), RECOMP_EVENT);
	assert_int_equal(m.cpu.eip, AFTER);
	assert_true(m.fpu_errors > 1);
	m.cpu.vif = EFLAGS_IF;
	assert_int_equal(guest_run(), IRQ13);
	assert_int_equal(frame(0), AFTER);
}

static const struct CMUnitTest fpu_errors[] = {
	GUEST_TEST(native_error),
	GUEST_TEST(every_waiting_instruction_reports),
	GUEST_TEST(others_do_not_wait),
	GUEST_TEST(by_interrupt),
	GUEST_TEST(waits_while_interrupts_are_off),
};
GUEST_MAIN(fpu_errors)
