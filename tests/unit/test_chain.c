/* SPDX-License-Identifier: MIT */
/*
 * A triple fault in words (emu/dbg/dbg_chain.h): what led to it, in each mode of the processor, by
 * each of the things that a delivery needs.
 */
#include "tests/unit/guest_fixture.h"

#include "emu/dbg/dbg_chain.h"
#include "tests/unit/said.h"

#define STACK  FREE
#define VECTOR 0x40

/* The code runs into it: the lines are in said. */
static void shut_down(void)
{
	assert_int_equal(guest_run(), SHUT_DOWN);
	said[0] = '\0';
	dbg_print_chain(&m.cpu, &out);
}

/* The line that is reported, and the lines below. */
static void assert_chain(const char *line, const char *lines)
{
	struct dbg_line l = { .len = 0 };

	shut_down();
	dbg_add_chain(&l, &m.cpu);
	assert_string_equal(l.text, line);
	assert_string_equal(said, lines);
}

#define DOUBLE "#DF(0), double fault: two such faults, one inside the delivery of the other\n"
#define DEAD   "shutdown: nothing is left that could be delivered\n"

static void no_idt(void **state)
{
	(void)state;
	m.cpu.idtr.limit = 0;
	CODE(AT_CODE, 0x0f, 0x0b);
	assert_chain("#UD, then #GP(33), then #GP(6b), then #DF(0), then #GP(43)",
		     "1. #UD, undefined opcode; at 0008:00006000\n"
		     "2. #GP(33) in place of its handler: gate 06 lies beyond the IDT, whose limit "
		     "is 0000\n"
		     "3. #GP(6b) in place of its handler: gate 0d lies beyond the IDT, whose limit "
		     "is 0000\n"
		     "4. " DOUBLE
		     "5. #GP(43) in place of its handler: gate 08 lies beyond the IDT, whose limit "
		     "is 0000\n"
		     "6. " DEAD);
}

static void gates(void **state)
{
	(void)state;
	idt(VEC_DE, CODE0, 0, 0x0e);
	idt(VEC_NP, 0, 0, 0x8c);
	idt(VEC_DF, 0x100, 0, 0x8e);
	CODE(AT_CODE, 0xf6, 0xf4); /* div ah */
	m.cpu.gpr[REG_EAX] = 0;
	assert_chain("#DE, then #NP(3), then #DF(0), then #GP(101)",
		     "1. #DE, divide error; at 0008:00006000\n"
		     "2. #NP(3) in place of its handler: gate 00 of the IDT, 00000e0000080000, is "
		     "marked absent\n"
		     "3. " DOUBLE
		     "4. #GP(101) in place of its handler: the handler's selector 0100 names no "
		     "code of its level in the GDT\n"
		     "5. " DEAD);
	guest_setup(state);
	m.cpu.idtr.limit = 0;
	CODE(AT_CODE, 0xcc);
	shut_down();
	assert_memory_equal(said, "1. #GP(1a), general protection: gate 03 lies beyond the IDT",
			    59);
	guest_setup(state);
	idt(VEC_UD, CODE0, 0, 0x8c);
	idt(VEC_GP, 0, 0, 0x8e);
	idt(VEC_DF, DATA0, 0, 0x8e);
	CODE(AT_CODE, 0x0f, 0x0b);
	shut_down();
	assert_non_null(strstr(said, "gate 06 of the IDT, 00008c0000080000, is no gate of an int"));
	assert_non_null(strstr(said, "#GP(1) in place of its handler: the gate has a null sel"));
}

static void page_faults(void **state)
{
	(void)state;
	guest_paging();
	set_page(AT_IDT, 0);
	set_page(0x50000, 0);
	CODE(AT_CODE, 0xa1, IMM32(0x50123));
	assert_chain("#PF of 0 at 00050123, then #PF of 0 at 00002070, then #DF(0), then #PF of 0 "
		     "at 00002040",
		     "1. #PF of 0 at 00050123, page fault: read of 00050123 by the system, where "
		     "no page is; at 0008:00006000\n"
		     "2. #PF of 0 at 00002070 in place of its handler: read of 00002070 by the "
		     "system, where no page is: in the IDT, gate 0e\n"
		     "3. " DOUBLE
		     "4. #PF of 0 at 00002040 in place of its handler: read of 00002040 by the "
		     "system, where no page is: in the IDT, gate 08\n"
		     "5. " DEAD);
}

static void bad_stacks(void **state)
{
	(void)state;
	guest_paging();
	set_page(0x9000, 0x9000 | 5); /* read-only */
	CODE(AT_CODE, 0x0f, 0x0b);
	assert_chain("#UD, then #PF of 3 at 00009ffc, then #PF of 3 at 00009ffc, then #DF(0), then "
		     "#PF of 3 at 00009ffc",
		     "1. #UD, undefined opcode; at 0008:00006000\n"
		     "2. #PF of 3 at 00009ffc in place of its handler: write of 00009ffc by the "
		     "system, where the page does not allow it: the handler's stack\n"
		     "3. #PF of 3 at 00009ffc in place of its handler: write of 00009ffc by the "
		     "system, where the page does not allow it: the handler's stack\n"
		     "4. " DOUBLE
		     "5. #PF of 3 at 00009ffc in place of its handler: write of 00009ffc by the "
		     "system, where the page does not allow it: the handler's stack\n"
		     "6. " DEAD);
	guest_setup(state);
	gdt(STACK, 0, 0xfff, 0x493);
	set_segment(SEG_SS, STACK);
	CODE(AT_CODE, 0x50); /* push eax */
	assert_chain("#SS(0), then #SS(1), then #DF(0), then #SS(1)",
		     "1. #SS(0), stack segment fault; at 0008:00006000\n"
		     "2. #SS(1) in place of its handler: the stack has no room\n"
		     "3. " DOUBLE "4. #SS(1) in place of its handler: the stack has no room\n"
		     "5. " DEAD);
}

/* Ring 3 and V86 mode need the TSS. */
static void inner_stacks(void **state)
{
	static const char lines[] =
		"2. #TS(29) in place of its handler: selector 0028, of the TSS or of a stack that "
		"it names\n";

	(void)state;
	set_ring(3);
	m.cpu.tr.limit = 6;
	CODE(AT_CODE, 0x0f, 0x0b);
	shut_down();
	assert_non_null(strstr(said, lines));
	guest_setup(state);
	cpu_set_eflags(&m.cpu, EFLAGS_VM);
	for (unsigned s = 0; s < SEG_COUNT; s++)
		cpu_set_v86_segment(&m.cpu, s, s == SEG_CS ? AT_CODE >> 4 : 0x800);
	m.cpu.cpl = 3;
	m.cpu.eip = 0;
	m.cpu.tr.limit = 6;
	CODE(AT_CODE, 0x0f, 0x0b);
	shut_down();
	assert_memory_equal(said, "1. #UD, undefined opcode; at 0600:00000000\n2. #TS(29) ", 54);
}

static void real_mode(void **state)
{
	(void)state;
	set_real_mode();
	m.cpu.idtr.limit = 3;
	CODE(AT_CODE, 0x0f, 0x0b);
	assert_chain("#UD, then #GP(0), then #GP(0), then #DF(0), then #GP(0)",
		     "1. #UD, undefined opcode; at 0000:00006000\n"
		     "2. #GP(0) in place of its handler: vector 06 lies beyond the table of "
		     "vectors, whose limit is 0003\n"
		     "3. #GP(0) in place of its handler: vector 0d lies beyond the table of "
		     "vectors, whose limit is 0003\n"
		     "4. " DOUBLE "5. #GP(0) in place of its handler: vector 08 lies beyond the "
		     "table of vectors, whose limit is 0003\n"
		     "6. " DEAD);
	guest_setup(state);
	set_real_mode();
	m.cpu.gpr[REG_ESP] = 1;
	CODE(AT_CODE, 0x50);
	shut_down();
	assert_non_null(strstr(said, "the stack has no room, ss:sp=0000:0001\n"));
}

/* One of the hardware's, whose vector is an exception's: a BIOS that left the controllers so. */
static void interrupt(void **state)
{
	(void)state;
	m.cpu.idtr.limit = 0;
	m.cpu.vif = EFLAGS_IF;
	m.pending_vector = VEC_DF;
	m.cpu.events = CPU_EVENT_INTR;
	assert_chain("interrupt 08, then #GP(43), then #GP(6b), then #DF(0), then #GP(43)",
		     "1. interrupt 08; at 0008:00006000\n"
		     "2. #GP(43) in place of its handler: gate 08 lies beyond the IDT, whose limit "
		     "is 0000\n"
		     "3. #GP(6b) in place of its handler: gate 0d lies beyond the IDT, whose limit "
		     "is 0000\n"
		     "4. " DOUBLE
		     "5. #GP(43) in place of its handler: gate 08 lies beyond the IDT, whose limit "
		     "is 0000\n"
		     "6. " DEAD);
}

static const struct CMUnitTest tests[] = {
	GUEST_TEST(no_idt),	GUEST_TEST(gates),	  GUEST_TEST(page_faults),
	GUEST_TEST(bad_stacks), GUEST_TEST(inner_stacks), GUEST_TEST(real_mode),
	GUEST_TEST(interrupt),
};

GUEST_MAIN(tests)
