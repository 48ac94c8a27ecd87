/* SPDX-License-Identifier: MIT */
/*
 * Hardware task switches: SDM 3A 7.2 (TSS, gates), 7.3 (the steps, table 7-1: checks), 7.4
 * (nesting), and SDM 3B 17.3.1.5 for the T bit.
 */
#include "tests/unit/guest_fixture.h"

#define GATE  FREE
#define OTHER (FREE + 0x08) /* a segment of the test's own */

/* Fields of the two formats. */
enum {
	T32_LINK = 0,
	T32_CR3 = 0x1c,
	T32_EIP = 0x20,
	T32_FLAGS = 0x24,
	T32_EAX = 0x28,
	T32_ESP = 0x38,
	T32_ES = 0x48,
	T32_CS = 0x4c,
	T32_SS = 0x50,
	T32_DS = 0x54,
	T32_FS = 0x58,
	T32_GS = 0x5c,
	T32_LDT = 0x60,
	T32_T = 0x64
};
enum {
	T16_LINK = 0,
	T16_IP = 0x0e,
	T16_FLAGS = 0x10,
	T16_AX = 0x12,
	T16_SP = 0x1a,
	T16_ES = 0x22,
	T16_CS = 0x24,
	T16_SS = 0x26,
	T16_DS = 0x28,
	T16_LDT = 0x2a
};

static unsigned type_of(u16 sel)
{
	return get(AT_GDT + sel + 5, 1) & 15;
}

/* Task B: ring 0 at AT_TARGET, registers that can be told from those of task A. */
static void make_task_b(void)
{
	gdt(TSS_A, AT_TSS, 0x1ff, 0x8b);
	put(AT_TSS_B + T32_EIP, AT_TARGET, 4);
	put(AT_TSS_B + T32_FLAGS, EFLAGS_ONE | EFLAGS_CF | EFLAGS_ID, 4);
	for (u32 r = 0; r < 8; r++)
		put(AT_TSS_B + T32_EAX + 4 * r, 0xb0000000 + r, 4);
	put(AT_TSS_B + T32_ESP, STACK0 - 0x400, 4);
	put(AT_TSS_B + T32_CS, CODE0, 2);
	for (u32 f = T32_SS; f <= T32_GS; f += 4)
		put(AT_TSS_B + f, DATA0, 2);
	put(AT_TSS_B + T32_ES, DATA3, 2);
	CODE(AT_TARGET, HLT);
}

static void make_task_16(void)
{
	put(AT_TSS_16 + T16_IP, AT_TARGET, 2);
	put(AT_TSS_16 + T16_FLAGS, EFLAGS_ONE | EFLAGS_ZF, 2);
	for (u32 r = 0; r < 8; r++)
		put(AT_TSS_16 + T16_AX + 2 * r, 0x1600 + r, 2);
	gdt(OTHER, 0, 0xffff, 0x93); /* a 16-bit stack: SP alone counts */
	put(AT_TSS_16 + T16_ES, DATA0, 2);
	put(AT_TSS_16 + T16_CS, CODE0, 2);
	put(AT_TSS_16 + T16_SS, OTHER, 2);
	put(AT_TSS_16 + T16_DS, DATA0, 2);
	CODE(AT_TARGET, HLT);
}

static void expect_state_of_b(void)
{
	const struct cpu *c = &m.cpu;

	assert_int_equal(c->tr.sel, TSS_B);
	assert_int_equal(c->tr.base, AT_TSS_B);
	assert_int_equal(c->eip, AT_TARGET + 1);
	for (u32 r = 0; r < 8; r++)
		if (r != REG_ESP)
			assert_int_equal(c->gpr[r], 0xb0000000 + r);
	assert_int_equal(c->gpr[REG_ESP], STACK0 - 0x400);
	assert_int_equal(c->seg[SEG_ES].sel, DATA3);
	assert_int_equal(c->seg[SEG_GS].sel, DATA0);
	assert_int_equal(c->cpl, 0);
	assert_true(c->cr0 & CR0_TS);
}

/* Task A as its TSS must hold it: registers of guest_setup(). */
static void expect_saved_a(u32 eip, u32 flags)
{
	assert_int_equal(get(AT_TSS + T32_EIP, 4), eip);
	assert_int_equal(get(AT_TSS + T32_FLAGS, 4), flags);
	for (u32 r = 0; r < 8; r++)
		if (r != REG_ESP)
			assert_int_equal(get(AT_TSS + T32_EAX + 4 * r, 4), 0x11111111 * (r + 1));
	assert_int_equal(get(AT_TSS + T32_ESP, 4), STACK0);
	assert_int_equal(get(AT_TSS + T32_CS, 2), CODE0);
	assert_int_equal(get(AT_TSS + T32_SS, 2), DATA0);
	assert_int_equal(get(AT_TSS + T32_GS, 2), DATA0);
}

static void jump(void **state)
{
	(void)state;
	make_task_b();
	put(AT_TSS + T32_LINK, 0x7777, 2);
	put(AT_TSS_B + T32_LINK, 0x7777, 2);
	m.cpu.dr[7] = 0x7ff & ~0xffu; /* LE and GE */
	CODE(AT_CODE, FAR_JMP(TSS_B, 0x12345678));
	assert_int_equal(guest_run(), HALTED);
	expect_state_of_b();
	expect_saved_a(AT_CODE + 7, EFLAGS_ONE);
	assert_int_equal(cpu_eflags(&m.cpu), EFLAGS_ONE | EFLAGS_CF | EFLAGS_ID);
	assert_int_equal(type_of(TSS_A), 9); /* available again */
	assert_int_equal(type_of(TSS_B), 11);
	assert_int_equal(get(AT_TSS_B + T32_LINK, 2), 0x7777); /* a jump does not nest */
	assert_int_equal(m.cpu.dr[7] & 0x300, 0x200); /* local enables are the old task's */
}

static void call_and_iret(void **state)
{
	(void)state;
	make_task_b();
	CODE(AT_CODE, FAR_CALL(TSS_B, 0), HLT);
	CODE(AT_TARGET, 0x40, 0xcf, HLT); /* inc eax; iret */
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_CODE + 8);
	assert_int_equal(m.cpu.tr.sel, TSS_A);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111111);
	assert_false(m.cpu.eflags & EFLAGS_NT);
	assert_int_equal(type_of(TSS_A), 11);
	assert_int_equal(type_of(TSS_B), 9);
	/* What B left: behind its IRET, with NT cleared in the image, and the way back. */
	assert_int_equal(get(AT_TSS_B + T32_EIP, 4), AT_TARGET + 2);
	assert_int_equal(get(AT_TSS_B + T32_EAX, 4), 0xb0000001);
	assert_int_equal(get(AT_TSS_B + T32_FLAGS, 4) & EFLAGS_NT, 0);
	assert_int_equal(get(AT_TSS_B + T32_LINK, 2), TSS_A);
}

static void call_nests(void **state)
{
	(void)state;
	make_task_b();
	CODE(AT_CODE, FAR_CALL(TSS_B, 0));
	assert_int_equal(guest_run(), HALTED);
	expect_state_of_b();
	assert_true(m.cpu.eflags & EFLAGS_NT);
	assert_int_equal(type_of(TSS_A), 11); /* stays busy */
	assert_int_equal(type_of(TSS_B), 11);
	assert_int_equal(get(AT_TSS_B + T32_LINK, 2), TSS_A);
	assert_int_equal(get(AT_TSS + T32_FLAGS, 4), EFLAGS_ONE); /* NT is the new task's */
}

static void through_a_task_gate(void **state)
{
	(void)state;
	make_task_b();
	put_gate(AT_GDT + GATE, TSS_B, 0, 0xe5, 0);
	set_ring(3);
	CODE(AT_CODE, FAR_CALL(GATE | 3, 0));
	assert_int_equal(guest_run(), HALTED);
	expect_state_of_b();
	assert_int_equal(get(AT_TSS + T32_CS, 2), CODE3);
	assert_int_equal(get(AT_TSS + T32_ESP, 4), STACK3);
}

/* A fault's error code goes on the new task's stack; RF is set in what is saved, so that the
 * instruction can be resumed past a breakpoint. */
static void fault_through_a_task_gate(void **state)
{
	(void)state;
	make_task_b();
	put_gate(AT_IDT + 8 * VEC_GP, TSS_B, 0, 0x85, 0);
	CODE(AT_CODE, 0x66, 0xb8, IMM16(0x1ffc), 0x8e, 0xd8); /* mov ax, 1ffch; mov ds, ax */
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.tr.sel, TSS_B);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK0 - 0x404);
	assert_int_equal(frame(0), 0x1ffc);
	assert_int_equal(get(AT_TSS + T32_EIP, 4), AT_CODE + 4);
	assert_int_equal(get(AT_TSS + T32_FLAGS, 4), EFLAGS_ONE | EFLAGS_RF);
	assert_true(m.cpu.eflags & EFLAGS_NT);
	assert_int_equal(get(AT_TSS_B + T32_LINK, 2), TSS_A);
}

static void interrupts_through_a_task_gate(void **state)
{
	(void)state;
	make_task_b();
	put_gate(AT_IDT + 8 * 0x40, TSS_B, 0, 0x85, 0);
	CODE(AT_CODE, 0xcd, 0x40);
	assert_int_equal(guest_run(), HALTED);
	expect_state_of_b();
	expect_saved_a(AT_CODE + 2, EFLAGS_ONE);

	guest_setup(state);
	make_task_b();
	put_gate(AT_IDT + 8 * 0x40, TSS_B, 0, 0x85, 0);
	CODE(AT_CODE, 0x90, 0xf4);
	m.cpu.vif = EFLAGS_IF;
	m.pending_vector = 0x40;
	m.cpu.events = CPU_EVENT_INTR;
	assert_int_equal(guest_run(), HALTED);
	expect_state_of_b();
	expect_saved_a(AT_CODE, EFLAGS_ONE | EFLAGS_IF);
}

static void task_gate_of_dpl_0_is_not_for_ring_3(void **state)
{
	(void)state;
	make_task_b();
	put_gate(AT_IDT + 8 * 0x40, TSS_B, 0, 0x85, 0);
	set_ring(3);
	CODE(AT_CODE, 0xcd, 0x40);
	assert_fault(VEC_GP, 0x40 * 8 + 2, AT_CODE);
}

static void sixteen_bit_task(void **state)
{
	(void)state;
	make_task_16();
	CODE(AT_CODE, FAR_JMP(TSS_16, 0));
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_TARGET + 1);
	assert_int_equal(m.cpu.tr.sel, TSS_16);
	for (u32 r = 0; r < 8; r++)
		assert_int_equal(m.cpu.gpr[r] & 0xffff, 0x1600 + r);
	assert_int_equal(cpu_eflags(&m.cpu), EFLAGS_ONE | EFLAGS_ZF);
	assert_int_equal(m.cpu.seg[SEG_SS].sel, OTHER);
	assert_true(m.cpu.seg[SEG_FS].attr & SEG_ATTR_UNUSABLE); /* it has no FS */
	assert_int_equal(type_of(TSS_16), 3);
	expect_saved_a(AT_CODE + 7, EFLAGS_ONE);
}

static void sixteen_bit_task_is_saved_in_its_format(void **state)
{
	(void)state;
	make_task_16();
	make_task_b();
	memset(m.ram + AT_TSS_16 + T16_LDT + 2, 0x5a, 16);
	CODE(AT_CODE, FAR_JMP(TSS_16, 0));
	CODE(AT_TARGET, 0x40, FAR_JMP(TSS_B, 0)); /* inc eax */
	put(AT_TSS_B + T32_EIP, AT_TARGET + 8, 4);
	m.ram[AT_TARGET + 8] = HLT;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(get(AT_TSS_16 + T16_IP, 2), AT_TARGET + 8);
	assert_int_equal(get(AT_TSS_16 + T16_AX, 2), 0x1601);
	assert_int_equal(get(AT_TSS_16 + T16_SP, 2), 0x1604);
	assert_int_equal(get(AT_TSS_16 + T16_CS, 2), CODE0);
	assert_int_equal(get(AT_TSS_16 + T16_DS, 2), DATA0);
	for (u32 i = 0; i < 16; i++)
		assert_int_equal(m.ram[AT_TSS_16 + T16_LDT + 2 + i], 0x5a);
}

static void error_code_on_a_16_bit_task_is_a_word(void **state)
{
	(void)state;
	make_task_16();
	put_gate(AT_IDT + 8 * VEC_GP, TSS_16, 0, 0x85, 0);
	put(AT_TSS_16 + T16_SP, STACK0, 2);
	CODE(AT_CODE, 0x66, 0xb8, IMM16(0x1ffc), 0x8e, 0xd8);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ESP] & 0xffff, STACK0 - 2);
	assert_int_equal(get(STACK0 - 2, 2), 0x1ffc);
}

static void local_segments(void **state)
{
	(void)state;
	make_task_b();
	put(AT_TSS_B + T32_LDT, LDT, 2);
	put_descriptor(AT_LDT + 8, 0x100, 0xfffff, ATTR_DATA32);
	put(AT_TSS_B + T32_FS, 0x0c, 2);
	CODE(AT_CODE, FAR_JMP(TSS_B, 0));
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.ldtr.sel, LDT);
	assert_int_equal(m.cpu.ldtr.base, AT_LDT);
	assert_int_equal(m.cpu.seg[SEG_FS].base, 0x100);
	assert_int_equal(get(AT_LDT + 8 + 5, 1), 0x93);
}

/* The new task's tables map another page at its code address. */
static void page_tables_of_its_own(void **state)
{
	const u32 tables = AT_PAGES + 0x2000;

	(void)state;
	make_task_b();
	guest_paging();
	memcpy(m.ram + tables, m.ram + AT_PAGES, 0x2000);
	put(tables, (tables + 0x1000) | 7, 4);
	put(tables + 0x1000 + 4 * (AT_TARGET >> 12), 0x100000 | 7, 4);
	m.ram[0x100000] = 0x90;
	m.ram[0x100001] = HLT;
	put(AT_TSS_B + T32_CR3, tables, 4);
	CODE(AT_CODE, FAR_JMP(TSS_B, 0));
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.cr3, tables);
	assert_int_equal(m.cpu.eip, AT_TARGET + 2);
}

static void without_paging_cr3_stays(void **state)
{
	(void)state;
	make_task_b();
	put(AT_TSS_B + T32_CR3, 0x5000, 4);
	CODE(AT_CODE, FAR_JMP(TSS_B, 0));
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.cr3, 0);
}

static void into_v86_mode(void **state)
{
	(void)state;
	make_task_b();
	put(AT_TSS_B + T32_FLAGS, EFLAGS_ONE | EFLAGS_VM | EFLAGS_IOPL, 4);
	put(AT_TSS_B + T32_EIP, 0, 4);
	put(AT_TSS_B + T32_CS, AT_TARGET >> 4, 2);
	put(AT_TSS_B + T32_SS, STACK3 >> 4, 2);
	put(AT_TSS_B + T32_ESP, 0x100, 4);
	put(AT_TSS_B + T32_DS, 0x1234, 2);
	put(AT_TSS_B + 4, STACK_TSS, 4);
	put(AT_TSS_B + 8, DATA0, 2);
	CODE(AT_TARGET, INT_END);
	CODE(AT_CODE, FAR_JMP(TSS_B, 0));
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(0), 2);
	assert_int_equal(frame(1), AT_TARGET >> 4);
	assert_int_equal(frame(2), EFLAGS_ONE | EFLAGS_VM | EFLAGS_IOPL);
	assert_int_equal(frame(4), STACK3 >> 4);
	assert_int_equal(frame(6), 0x1234);
}

static void trap_bit(void **state)
{
	(void)state;
	make_task_b();
	put(AT_TSS_B + T32_T, 1, 2);
	CODE(AT_CODE, FAR_JMP(TSS_B, 0));
	assert_int_equal(guest_run(), VEC_DB);
	assert_int_equal(frame(0), AT_TARGET); /* before the new task's first instruction */
	assert_int_equal(m.cpu.dr[6] & 0xe00f, DR6_BT);
	assert_int_equal(m.cpu.tr.sel, TSS_B);
}

/* --- Checks in the old task: nothing is saved, nothing marked. */

static void busy(void)
{
	gdt(TSS_B, AT_TSS_B, 0x67, 0x8b);
}

static void absent(void)
{
	gdt(TSS_B, AT_TSS_B, 0x67, 0x09);
}

static void small(void)
{
	gdt(TSS_B, AT_TSS_B, 0x66, 0x89);
}

static void not_a_tss(void)
{
	gdt(TSS_B, AT_TSS_B, 0x67, 0x82);
}

static void old_small(void)
{
	m.cpu.tr.limit = 0x5e; /* its dynamic fields end at 5fh */
}

static const struct {
	void (*spoil)(void);
	u8 vector;
	u16 error;
} before[] = {
	{ busy, VEC_GP, TSS_B },      { absent, VEC_NP, TSS_B },    { small, VEC_TS, TSS_B },
	{ not_a_tss, VEC_GP, TSS_B }, { old_small, VEC_TS, TSS_A },
};

static void checks_in_the_old_task(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(before); i++) {
		guest_setup(state);
		make_task_b();
		before[i].spoil();
		CODE(AT_CODE, FAR_CALL(TSS_B, 0));
		assert_fault(before[i].vector, before[i].error, AT_CODE);
		assert_int_equal(m.cpu.tr.sel, TSS_A);
		assert_int_equal(type_of(TSS_A), 11);
		assert_int_equal(get(AT_TSS + T32_EIP, 4), 0);
		assert_int_equal(get(AT_TSS_B + T32_LINK, 2), 0);
		assert_false(m.cpu.cr0 & CR0_TS);
	}
}

/* A bad TSS behind an interrupt's task gate has EXT in its error code; behind INT n it does not. */
static void external_bit(void **state)
{
	(void)state;
	make_task_b();
	busy();
	put_gate(AT_IDT + 8 * 0x40, TSS_B, 0, 0x85, 0);
	CODE(AT_CODE, 0xcd, 0x40);
	assert_fault(VEC_GP, TSS_B, AT_CODE);
	guest_setup(state);
	make_task_b();
	busy();
	put_gate(AT_IDT + 8 * 0x40, TSS_B, 0, 0x85, 0);
	m.cpu.vif = EFLAGS_IF;
	m.pending_vector = 0x40;
	m.cpu.events = CPU_EVENT_INTR;
	assert_fault(VEC_GP, TSS_B | 1, AT_CODE);
}

static void tss_must_be_writable(void **state)
{
	(void)state;
	make_task_b();
	guest_paging();
	gdt(TSS_A, 0x14000, 0x1ff, 0x8b); /* away from the other tables */
	memcpy(m.ram + 0x14000, m.ram + AT_TSS, 0x200);
	m.cpu.tr.base = 0x14000;
	set_page(0x14000, 0x14000 | 5);
	CODE(AT_CODE, FAR_JMP(TSS_B, 0));
	assert_fault(VEC_PF, 3, AT_CODE);
	assert_int_equal(m.cpu.cr2, 0x14000 + T32_EIP);
	assert_int_equal(m.cpu.tr.sel, TSS_A);
	assert_int_equal(type_of(TSS_B), 9);
}

static void link_must_be_busy(void **state)
{
	(void)state;
	make_task_b();
	put(AT_TSS + T32_LINK, TSS_B, 2);
	m.cpu.eflags |= EFLAGS_NT;
	CODE(AT_CODE, 0xcf);
	assert_fault(VEC_TS, TSS_B, AT_CODE);
	assert_int_equal(m.cpu.tr.sel, TSS_A);
}

/* The state is saved before it is loaded: IRET by a back link to the task itself goes on behind it.
 */
static void to_itself(void **state)
{
	(void)state;
	put(AT_TSS + T32_LINK, TSS_A, 2);
	m.cpu.eflags |= EFLAGS_NT;
	CODE(AT_CODE, 0xcf, 0x40, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_CODE + 3);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
	assert_false(m.cpu.eflags & EFLAGS_NT);
}

/* --- Checks in the new task: the fault is its own, with its EIP. */

static void ldt_wrong_type(void)
{
	put(AT_TSS_B + T32_LDT, DATA0, 2);
}

static void ldt_absent(void)
{
	gdt(LDT, AT_LDT, 0xff, 0x02);
	put(AT_TSS_B + T32_LDT, LDT, 2);
}

static void ldt_local(void)
{
	put(AT_TSS_B + T32_LDT, LDT | 4, 2);
}

static void code_null(void)
{
	put(AT_TSS_B + T32_CS, 3, 2);
}

static void code_is_data(void)
{
	put(AT_TSS_B + T32_CS, DATA0, 2);
}

static void code_dpl(void)
{
	put(AT_TSS_B + T32_CS, CODE0 | 3, 2);
}

static void code_absent(void)
{
	gdt(OTHER, 0, 0xfffff, ATTR_CODE32 & ~ATTR_P);
	put(AT_TSS_B + T32_CS, OTHER, 2);
}

static void stack_null(void)
{
	put(AT_TSS_B + T32_SS, 0, 2);
}

static void stack_dpl(void)
{
	put(AT_TSS_B + T32_SS, DATA3 & ~3, 2);
}

static void stack_absent(void)
{
	gdt(OTHER, 0, 0xfffff, ATTR_DATA32 & ~ATTR_P);
	put(AT_TSS_B + T32_SS, OTHER, 2);
}

static void data_beyond(void)
{
	put(AT_TSS_B + T32_DS, 0x100, 2);
}

static void data_is_system(void)
{
	put(AT_TSS_B + T32_ES, LDT, 2);
}

static void data_absent(void)
{
	gdt(OTHER, 0, 0xfffff, ATTR_DATA32 & ~ATTR_P);
	put(AT_TSS_B + T32_GS, OTHER, 2);
}

static void eip_beyond(void)
{
	gdt(OTHER, 0, AT_TARGET - 1, ATTR_CODE32 & ~0x800u);
	put(AT_TSS_B + T32_CS, OTHER, 2);
}

static const struct {
	void (*spoil)(void);
	u8 vector;
	u16 error;
} after[] = {
	{ ldt_wrong_type, VEC_TS, DATA0 }, { ldt_absent, VEC_TS, LDT },
	{ ldt_local, VEC_TS, LDT | 4 },	   { code_null, VEC_TS, 0 },
	{ code_is_data, VEC_TS, DATA0 },   { code_dpl, VEC_TS, CODE0 },
	{ code_absent, VEC_NP, OTHER },	   { stack_null, VEC_TS, 0 },
	{ stack_dpl, VEC_TS, DATA3 & ~3 }, { stack_absent, VEC_SS, OTHER },
	{ data_beyond, VEC_TS, 0x100 },	   { data_is_system, VEC_TS, LDT },
	{ data_absent, VEC_NP, OTHER },	   { eip_beyond, VEC_GP, 0 },
};

static void checks_in_the_new_task(void **state)
{
	for (unsigned n = 0; n < 2 * ARRAY_SIZE(after); n++) {
		const unsigned i = n / 2;
		bool external = n & 1; /* EXT is set if an interrupt led there */

		guest_setup(state);
		make_task_b();
		/* Task 16 takes the fault: it depends on nothing of B. */
		make_task_16();
		put(AT_TSS_16 + T16_SP, STACK3, 2);
		put_gate(AT_IDT + 8u * after[i].vector, TSS_16, 0, 0x85, 0);
		gdt(TSS_16, AT_TSS_16, 0x2b, 0x81);
		gdt(FREE + 0x18, 0, 0xffff, 0x93);
		put(AT_TSS_16 + T16_SS, FREE + 0x18, 2);
		after[i].spoil();
		CODE(AT_CODE, FAR_CALL(TSS_B, 0));
		if (external) {
			put_gate(AT_IDT + 8 * 0x40, TSS_B, 0, 0x85, 0);
			m.cpu.vif = EFLAGS_IF;
			m.pending_vector = 0x40;
			m.cpu.events = CPU_EVENT_INTR;
		}
		assert_int_equal(guest_run(), HALTED);
		assert_int_equal(m.cpu.tr.sel, TSS_16);
		assert_int_equal(get(STACK3 - 2, 2), after[i].error | external);
		assert_int_equal(get(AT_TSS_16 + T16_LINK, 2), TSS_B);
		assert_int_equal(get(AT_TSS_B + T32_EIP, 4), AT_TARGET);
		assert_int_equal(get(AT_TSS_B + T32_EAX, 4), 0xb0000000);
		assert_int_equal(get(AT_TSS + T32_EIP, 4), AT_CODE + (external ? 0 : 7));
		assert_int_equal(get(AT_TSS_B + T32_LINK, 2), TSS_A);
	}
}

/* INT n through a task gate to a task that cannot start: the fault is not the INT's any more. */
static void soft_int_to_a_bad_task(void **state)
{
	(void)state;
	make_task_b();
	data_beyond();
	put_gate(AT_IDT + 8 * 0x40, TSS_B, 0, 0x85, 0);
	CODE(AT_CODE, 0xcd, 0x40);
	assert_fault(VEC_TS, 0x100, AT_TARGET);
	assert_int_equal(m.cpu.tr.sel, TSS_B);
	assert_int_equal(get(AT_TSS + T32_EIP, 4), AT_CODE + 2);
}

/* Round and round: what is saved is what comes back. */
static void there_and_back_many_times(void **state)
{
	(void)state;
	make_task_b();
	CODE(AT_CODE, FAR_CALL(TSS_B, 0), 0x41, 0x81, 0xf9, IMM32(1000), 0x75, 0xf0, HLT);
	CODE(AT_TARGET, 0x40, 0xcf, 0xeb, 0xfc); /* B: inc eax; iret; jmp back */
	m.cpu.gpr[REG_ECX] = 0;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ECX], 1000);
	assert_int_equal(get(AT_TSS_B + T32_EAX, 4), 0xb0000000 + 1000);
}

static const struct CMUnitTest task_switches[] = {
	GUEST_TEST(jump),
	GUEST_TEST(call_and_iret),
	GUEST_TEST(call_nests),
	GUEST_TEST(through_a_task_gate),
	GUEST_TEST(fault_through_a_task_gate),
	GUEST_TEST(interrupts_through_a_task_gate),
	GUEST_TEST(task_gate_of_dpl_0_is_not_for_ring_3),
	GUEST_TEST(sixteen_bit_task),
	GUEST_TEST(sixteen_bit_task_is_saved_in_its_format),
	GUEST_TEST(error_code_on_a_16_bit_task_is_a_word),
	GUEST_TEST(local_segments),
	GUEST_TEST(page_tables_of_its_own),
	GUEST_TEST(without_paging_cr3_stays),
	GUEST_TEST(into_v86_mode),
	GUEST_TEST(trap_bit),
	GUEST_TEST(checks_in_the_old_task),
	GUEST_TEST(external_bit),
	GUEST_TEST(tss_must_be_writable),
	GUEST_TEST(link_must_be_busy),
	GUEST_TEST(to_itself),
	GUEST_TEST(checks_in_the_new_task),
	GUEST_TEST(soft_int_to_a_bad_task),
	GUEST_TEST(there_and_back_many_times),
};
GUEST_MAIN(task_switches)
