/* SPDX-License-Identifier: MIT */
/*
 * Alignment checks (SDM 3A 6.15, #AC, and its table of data types): at CPL 3, with CR0.AM and
 * EFLAGS.AC.
 */
#include "tests/unit/guest_fixture.h"

static const struct {
	u8 code[8], len;
	u32 at; /* EBX */
	bool faults;
} types[] = {
	{ { 0x8b, 0x03 }, 2, AT_DATA, false }, /* mov eax, [ebx] */
	{ { 0x8b, 0x03 }, 2, AT_DATA + 1, true },
	{ { 0x8b, 0x03 }, 2, AT_DATA + 2, true },
	{ { 0x66, 0x8b, 0x03 }, 3, AT_DATA + 2, false },
	{ { 0x66, 0x8b, 0x03 }, 3, AT_DATA + 1, true },
	{ { 0x8a, 0x03 }, 2, AT_DATA + 1, false },
	{ { 0x89, 0x03 }, 2, AT_DATA + 2, true }, /* stores, too */
	{ { 0x01, 0x03 }, 2, AT_DATA + 2, true }, /* add [ebx], eax */
	{ { 0xdd, 0x03 }, 2, AT_DATA + 4, true }, /* fld m64 */
	{ { 0xdd, 0x03 }, 2, AT_DATA + 8, false },
	{ { 0xd9, 0x03 }, 2, AT_DATA + 4, false }, /* fld m32 */
	{ { 0xdb, 0x2b }, 2, AT_DATA + 4, true },  /* fld m80 counts as 8 bytes */
	{ { 0xd9, 0x33 }, 2, AT_DATA + 4, false }, /* fnstenv: by its words */
	{ { 0xd9, 0x33 }, 2, AT_DATA + 2, true },
	{ { 0x0f, 0xc7, 0x0b }, 3, AT_DATA + 4, true },	   /* cmpxchg8b */
	{ { 0xff, 0x33 }, 2, AT_DATA + 3, true },	   /* push [ebx] */
	{ { 0x8b, 0xe3, 0x50 }, 3, AT_DATA + 6, true },	   /* mov esp, ebx; push eax */
	{ { 0x8b, 0xe3, 0x60 }, 3, AT_DATA + 0x46, true }, /* pusha */
	{ { 0x8b, 0xe3, 0x60 }, 3, AT_DATA + 0x44, false },
	{ { 0x8b, 0xf3, 0xac }, 3, AT_DATA + 1, false }, /* lodsb */
	{ { 0x8b, 0xf3, 0xad }, 3, AT_DATA + 1, true },	 /* lodsd */
	{ { 0x0f, 0x01, 0x03 }, 3, AT_DATA + 2, false }, /* sgdt: word, doubleword */
	{ { 0x0f, 0x01, 0x03 }, 3, AT_DATA + 4, true },
	{ { 0x8b, 0xe3, 0x1f }, 3, AT_DATA + 1, true }, /* pop ds */
	{ { 0x8d, 0x03 }, 2, AT_DATA + 1, false },	/* lea accesses nothing */
};

static void run(unsigned i, unsigned cpl, u32 cr0, u32 flags, bool faults)
{
	u32 at =
		AT_CODE +
		(types[i].code[0] == 0x8b && types[i].len == 3 && types[i].code[1] >= 0xc0 ? 2 : 0);

	set_ring(cpl);
	m.cpu.cr0 |= cr0;
	m.cpu.eflags |= flags;
	set_code(AT_CODE, types[i].code, types[i].len);
	m.ram[AT_CODE + types[i].len] = 0xcd;
	m.ram[AT_CODE + types[i].len + 1] = VEC_END;
	m.cpu.gpr[REG_EBX] = types[i].at;
	if (faults)
		assert_fault(VEC_AC, 0, at);
	else
		assert_int_equal(guest_run(), VEC_END);
}

static void data_types(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		guest_setup(state);
		run(i, 3, CR0_AM, EFLAGS_AC, types[i].faults);
		guest_setup(state);
		run(i, 3, 0, EFLAGS_AC, false);
		guest_setup(state);
		run(i, 3, CR0_AM, 0, false);
	}
}

/* More than one element at once, by the page. */
static void repeated(void **state)
{
	static const u8 code[] = { 0xf3, 0xa5, 0xcd, VEC_END }; /* rep movsd */

	for (unsigned off = 0; off < 4; off++) {
		guest_setup(state);
		set_ring(3);
		m.cpu.cr0 |= CR0_AM;
		m.cpu.eflags |= EFLAGS_AC;
		set_code(AT_CODE, code, sizeof(code));
		m.cpu.gpr[REG_ECX] = 8;
		m.cpu.gpr[REG_ESI] = AT_DATA;
		m.cpu.gpr[REG_EDI] = AT_DATA + 0x100 + off;
		if (off)
			assert_fault(VEC_AC, 0, AT_CODE);
		else
			assert_int_equal(guest_run(), VEC_END);
	}
}

/* RETF and IRET take several words at once. */
static void returns(void **state)
{
	static const u8 code[] = { 0xcb, 0xcf };

	for (unsigned i = 0; i < ARRAY_SIZE(code); i++) {
		guest_setup(state);
		set_ring(3);
		m.cpu.cr0 |= CR0_AM;
		m.cpu.eflags |= EFLAGS_AC;
		set_code(AT_CODE, &code[i], 1);
		m.cpu.gpr[REG_ESP] = AT_DATA + 2;
		assert_fault(VEC_AC, 0, AT_CODE);
	}
}

static void not_in_ring_0(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
		guest_setup(state);
		m.cpu.gpr[REG_ESP] = STACK0;
		run(i, 0, CR0_AM, EFLAGS_AC, false);
	}
}

/* The limit of the segment goes first, the page tables last. */
static void order(void **state)
{
	(void)state;
	guest_paging();
	set_page(0x50000, 0);
	set_ring(3);
	m.cpu.cr0 |= CR0_AM;
	m.cpu.eflags |= EFLAGS_AC;
	CODE(AT_CODE, 0xa1, IMM32(0x50001));
	assert_fault(VEC_AC, 0, AT_CODE);
	gdt(FREE, 0, 0xfff, 0x4f3);
	set_ring(3);
	set_segment(SEG_DS, FREE | 3);
	m.cpu.eflags |= EFLAGS_AC;
	CODE(AT_CODE, 0xa1, IMM32(0x1001));
	assert_fault(VEC_GP, 0, AT_CODE);
}

/* What the processor reads for itself may lie anywhere: tables, TSS. */
static void tables_are_exempt(void **state)
{
	(void)state;
	memmove(m.ram + AT_GDT + 3, m.ram + AT_GDT, 0x100);
	memmove(m.ram + AT_IDT + 1, m.ram + AT_IDT, 0x800);
	memmove(m.ram + AT_TSS + 2, m.ram + AT_TSS, 0x1e0);
	m.cpu.gdtr.base += 3;
	m.cpu.idtr.base += 1;
	m.cpu.tr.base += 2;
	set_code(AT_DATA, (const u8[]){ DATA3 }, 1);
	cpu_unpack_descriptor(CODE3, 0x0000ffff, 0x00cffb00, &m.cpu.seg[SEG_CS]);
	for (unsigned s = 0; s < SEG_COUNT; s++)
		if (s != SEG_CS)
			cpu_unpack_descriptor(DATA3, 0x0000ffff, 0x00cff300, &m.cpu.seg[s]);
	m.cpu.cpl = 3;
	m.cpu.gpr[REG_ESP] = STACK3;
	m.cpu.cr0 |= CR0_AM;
	m.cpu.eflags |= EFLAGS_AC;
	CODE(AT_CODE, 0x8e, 0x1d, IMM32(AT_DATA), INT_END); /* mov ds, [data] */
	assert_int_equal(guest_run(), VEC_END);
}

/* POPF turns it on for the next instruction. */
static void from_popf_on(void **state)
{
	(void)state;
	set_ring(3);
	m.cpu.cr0 |= CR0_AM;
	CODE(AT_CODE, 0x8b, 0x03, 0x9d, 0x8b, 0x03,
	     INT_END); /* mov eax, [ebx]; popf; mov eax, [ebx] */
	m.cpu.gpr[REG_EBX] = AT_DATA + 1;
	m.cpu.gpr[REG_ESP] = STACK3 - 4;
	put(STACK3 - 4, EFLAGS_AC, 4);
	assert_fault(VEC_AC, 0, AT_CODE + 3);
}

/* Ring 3 on a stack at this address that faults at its next instruction, mov eax, [ebx]. */
static void misaligned_stack(u32 esp)
{
	set_ring(3);
	m.cpu.cr0 |= CR0_AM;
	m.cpu.eflags |= EFLAGS_AC;
	m.cpu.vif = EFLAGS_IF;
	m.cpu.gpr[REG_EBX] = AT_DATA + 1;
	m.cpu.gpr[REG_ESP] = esp;
	CODE(AT_CODE, 0x8b, 0x03, INT_END);
}

static void assert_hangs(void)
{
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_CODE);
	assert_true(m.cpu.nmi_blocked && !m.cpu.vif); /* and neither NMI nor interrupt ends it */
}

/* The handler of #AC is ring 3's own, on the stack that is misaligned. */
static void delivery_for_ever(void **state)
{
	(void)state;
	idt(VEC_AC, CODE3, AT_TARGET, 0xee);
	misaligned_stack(STACK3 - 2);
	assert_hangs();
}

/* A handler with a stack of its own ends it. */
static void delivery_with_another_stack(void **state)
{
	(void)state;
	misaligned_stack(STACK3 - 2);
	assert_fault(VEC_AC, 0, AT_CODE);
}

/* #AC through 16 bits meets #PF, and #PF through 32 bits meets #AC, and so on. */
static void delivery_by_turns(void **state)
{
	(void)state;
	guest_paging();
	set_page(0x50000, 0);
	put_gate(AT_IDT + 8 * VEC_AC, CODE3, AT_TARGET, 0xe6, 0);
	idt(VEC_PF, CODE3, AT_TARGET, 0xee);
	misaligned_stack(0x50802);
	assert_hangs();
}

static void delivery_of_an_interrupt(void **state)
{
	(void)state;
	idt(0x40, CODE3, AT_TARGET, 0xee);
	idt(VEC_AC, CODE3, AT_TARGET, 0xee);
	misaligned_stack(STACK3 - 2);
	m.pending_vector = 0x40;
	m.cpu.events = CPU_EVENT_INTR;
	assert_hangs();
}

static const struct CMUnitTest alignment[] = {
	GUEST_TEST(data_types),
	GUEST_TEST(repeated),
	GUEST_TEST(returns),
	GUEST_TEST(not_in_ring_0),
	GUEST_TEST(order),
	GUEST_TEST(tables_are_exempt),
	GUEST_TEST(from_popf_on),
	GUEST_TEST(delivery_for_ever),
	GUEST_TEST(delivery_with_another_stack),
	GUEST_TEST(delivery_by_turns),
	GUEST_TEST(delivery_of_an_interrupt),
};
GUEST_MAIN(alignment)
