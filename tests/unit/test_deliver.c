/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions (SDM 3A 6): gates and their checks with error codes and EXT, stack
 * switch, double faults and shutdown, priorities and shadows, the real-mode table, SYSENTER.
 */
#include "tests/unit/guest_fixture.h"

#define OTHER FREE
#define STACK (FREE + 0x08)
#define SOFT  0x40 /* the vector that the tests change */

static void same_level_trap_gate_keeps_if(void **state)
{
	(void)state;
	idt(SOFT, CODE0, HANDLER(SOFT), 0x8f);
	m.cpu.vif = EFLAGS_IF;
	m.cpu.eflags |= EFLAGS_NT | EFLAGS_AC;
	CODE(AT_CODE, 0xcd, SOFT);
	assert_int_equal(guest_run(), SOFT);
	assert_int_equal(frame(0), AT_CODE + 2);
	assert_int_equal(frame(1), CODE0);
	assert_int_equal(frame(2), EFLAGS_ONE | EFLAGS_IF | EFLAGS_NT | EFLAGS_AC);
	assert_int_equal(cpu_eflags(&m.cpu), EFLAGS_ONE | EFLAGS_IF | EFLAGS_AC);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK0 - 12);
}

static void inner_level_interrupt_gate(void **state)
{
	(void)state;
	idt(SOFT, CODE0, HANDLER(SOFT), 0xee);
	set_ring(3);
	m.cpu.vif = EFLAGS_IF;
	CODE(AT_CODE, 0xcd, SOFT);
	assert_int_equal(guest_run(), SOFT);
	assert_int_equal(frame(3), STACK3);
	assert_int_equal(frame(4), DATA3);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK_TSS - 20);
	assert_int_equal(m.cpu.vif, 0);
	assert_int_equal(m.cpu.seg[SEG_DS].sel, DATA3); /* data segments stay */
}

static void conforming_handler_stays_in_ring_3(void **state)
{
	(void)state;
	gdt(OTHER, 0, 0xfffff, ATTR_CONF32);
	idt(SOFT, OTHER, AT_TARGET, 0xee);
	set_ring(3);
	CODE(AT_CODE, 0xcd, SOFT);
	CODE(AT_TARGET, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(1), OTHER | 3);
	assert_int_equal(frame(3), STACK3 - 12);
	assert_int_equal(get(STACK3 - 12, 4), AT_CODE + 2);
}

static void gate_of_16_bits(void **state)
{
	(void)state;
	put_gate(AT_IDT + 8 * SOFT, CODE0, 0xabcd0000 | (HANDLER(SOFT)), 0xe6, 0);
	set_ring(3);
	CODE(AT_CODE, 0xcd, SOFT);
	assert_int_equal(guest_run(), SOFT);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK_TSS - 10);
	assert_int_equal(frame16(0), AT_CODE + 2);
	assert_int_equal(frame16(1), CODE3);
	assert_int_equal(frame16(3), STACK3);
	assert_int_equal(frame16(4), DATA3);
}

/* --- Checks, met by INT n from ring 3 (EXT 0) and by an external interrupt (EXT 1). */

static void beyond_the_table(void)
{
	m.cpu.idtr.limit = SOFT * 8 + 6;
}

static void wrong_type(void)
{
	idt(SOFT, CODE0, HANDLER(SOFT), 0xec); /* a call gate */
}

static void not_a_gate(void)
{
	idt(SOFT, CODE0, HANDLER(SOFT), 0xfe); /* S set: code */
}

static void gate_absent(void)
{
	idt(SOFT, CODE0, HANDLER(SOFT), 0x6e);
}

static void selector_null(void)
{
	idt(SOFT, 0, HANDLER(SOFT), 0xee);
}

static void selector_beyond(void)
{
	idt(SOFT, 0x100, HANDLER(SOFT), 0xee);
}

static void selector_is_data(void)
{
	idt(SOFT, DATA0, HANDLER(SOFT), 0xee);
}

static void code_absent(void)
{
	gdt(OTHER, 0, 0xfffff, (ATTR_CODE32 | ATTR_DPL(1)) & ~ATTR_P);
}

static void task_gate_local(void)
{
	put_gate(AT_IDT + 8 * SOFT, TSS_B | 4, 0, 0xe5, 0);
}

static void tss_small(void)
{
	m.cpu.tr.limit = 16;
}

static void stack_null(void)
{
	put(AT_TSS + 16, 0, 2);
}

static void stack_rpl(void)
{
	put(AT_TSS + 16, STACK, 2);
}

static void stack_absent(void)
{
	gdt(STACK, 0, 0xfffff, (ATTR_DATA32 | ATTR_DPL(1)) & ~ATTR_P);
}

static void stack_full(void)
{
	gdt(STACK, 0, STACK_TSS - 0x800 - 20, 0x497 | ATTR_DPL(1)); /* expand-down: 19 bytes */
}

static void offset_beyond(void)
{
	gdt(OTHER, 0, AT_TARGET - 1, (ATTR_CODE32 | ATTR_DPL(1)) & ~0x800u);
}

static void stack_full_and_offset_beyond(void)
{
	stack_full();
	offset_beyond();
}

#define GATE_ERROR (SOFT * 8 + 2)

static const struct {
	void (*spoil)(void);
	u8 vector;
	u16 error;
} check[] = {
	{ beyond_the_table, VEC_GP, GATE_ERROR },
	{ wrong_type, VEC_GP, GATE_ERROR },
	{ not_a_gate, VEC_GP, GATE_ERROR },
	{ gate_absent, VEC_NP, GATE_ERROR },
	{ selector_null, VEC_GP, 0 },
	{ selector_beyond, VEC_GP, 0x100 },
	{ selector_is_data, VEC_GP, DATA0 },
	{ code_absent, VEC_NP, OTHER },
	{ task_gate_local, VEC_GP, TSS_B | 4 },
	{ tss_small, VEC_TS, TSS_A },
	{ stack_null, VEC_TS, 0 },
	{ stack_rpl, VEC_TS, STACK },
	{ stack_absent, VEC_SS, STACK },
	{ stack_full, VEC_SS, STACK },
	{ offset_beyond, VEC_GP, 0 },
	{ stack_full_and_offset_beyond, VEC_SS, STACK },
};

static void checks(void **state)
{
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(check); i++) {
		bool external = i & 1;

		guest_setup(state);
		gdt(OTHER, 0, 0xfffff, ATTR_CODE32 | ATTR_DPL(1));
		gdt(STACK, 0, 0xfffff, ATTR_DATA32 | ATTR_DPL(1));
		idt(SOFT, OTHER, AT_TARGET, 0xee);
		put(AT_TSS + 12, STACK_TSS - 0x800, 4);
		put(AT_TSS + 16, STACK | 1, 2);
		check[i / 2].spoil();
		set_ring(3);
		if (external) {
			CODE(AT_CODE, 0xeb, 0xfe);
			m.cpu.vif = EFLAGS_IF;
			m.pending_vector = SOFT;
			m.cpu.events = CPU_EVENT_INTR;
		} else {
			CODE(AT_CODE, 0xcd, SOFT);
		}
		assert_fault(check[i / 2].vector, check[i / 2].error | external, AT_CODE);
		assert_int_equal(frame(2), CODE3);
		assert_int_equal(frame(4), STACK3);
	}
}

/* INT n, INT3 and INTO obey the gate's DPL; INT1, exceptions and interrupts do not. */
static void gate_dpl(void **state)
{
	(void)state;
	set_ring(3);
	CODE(AT_CODE, 0xcd, SOFT);
	assert_fault(VEC_GP, SOFT * 8 + 2, AT_CODE);
	set_ring(3);
	CODE(AT_CODE, 0xcc);
	assert_fault(VEC_GP, VEC_BP * 8 + 2, AT_CODE);
	set_ring(3);
	m.cpu.eflags |= EFLAGS_OF;
	CODE(AT_CODE, 0xce);
	assert_fault(VEC_GP, VEC_OF * 8 + 2, AT_CODE);
	m.cpu.eflags &= ~EFLAGS_OF;
	set_ring(3);
	CODE(AT_CODE, 0xf1);
	assert_int_equal(guest_run(), VEC_DB);
	assert_int_equal(frame(0), AT_CODE + 1);
	assert_int_equal(m.cpu.dr[6] & 0xe00f, 0);
	set_ring(3);
	CODE(AT_CODE, 0x0f, 0x0b);
	assert_int_equal(guest_run(), VEC_UD);
}

static void into_without_overflow(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xce, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_CODE + 2);
}

/* --- Double faults: table 6-5. The gate of the first event is made to fault in turn. */

/* A vector whose gate is not present raises #NP, contributory; a page fault comes from a handler
 * whose code descriptor lies in a page that is not there. */
static void break_gate(u8 vector)
{
	idt(vector, CODE0, HANDLER(vector), 0x0e);
}

static void contributory_twice_is_a_double_fault(void **state)
{
	(void)state;
	break_gate(VEC_GP);
	CODE(AT_CODE, 0x66, 0xb8, IMM16(0x1ffc), 0x8e, 0xd8); /* mov ax, 1ffch; mov ds, ax */
	assert_fault(VEC_DF, 0, AT_CODE + 4);
}

static void divide_error_is_contributory(void **state)
{
	(void)state;
	break_gate(VEC_DE);
	CODE(AT_CODE, 0xf6, 0xf4); /* div ah */
	m.cpu.gpr[REG_EAX] = 0xff;
	assert_fault(VEC_DF, 0, AT_CODE);
}

static void benign_then_contributory_is_serial(void **state)
{
	(void)state;
	break_gate(VEC_UD);
	CODE(AT_CODE, 0x0f, 0x0b);
	assert_fault(VEC_NP, VEC_UD * 8 + 3, AT_CODE);
	guest_setup(state);
	break_gate(SOFT); /* an external interrupt is benign, too */
	m.cpu.vif = EFLAGS_IF;
	m.pending_vector = SOFT;
	m.cpu.events = CPU_EVENT_INTR;
	assert_fault(VEC_NP, SOFT * 8 + 3, AT_CODE);
}

static void page_fault_then_contributory(void **state)
{
	(void)state;
	guest_paging();
	set_page(0x50000, 0);
	break_gate(VEC_PF);
	CODE(AT_CODE, 0xa1, IMM32(0x50123));
	assert_fault(VEC_DF, 0, AT_CODE);
	assert_int_equal(m.cpu.cr2, 0x50123);
}

/* Vectors below this lie on page 51h, the others on page 52h. */
static void split_table(u8 at)
{
	guest_paging();
	m.cpu.idtr.base = 0x52000 - 8u * at;
	memcpy(m.ram + m.cpu.idtr.base, m.ram + AT_IDT, 0x800);
	machine_wrote(&m, 0x51000, 0x2000);
}

/* #NP on the way to #DE's handler would be a double fault; a page fault is not. */
static void contributory_then_page_fault_is_serial(void **state)
{
	(void)state;
	split_table(VEC_UD);
	set_page(0x51000, 0);
	CODE(AT_CODE, 0xf6, 0xf4);
	m.cpu.gpr[REG_EAX] = 0xff;
	assert_fault(VEC_PF, 0, AT_CODE);
	assert_int_equal(m.cpu.cr2, m.cpu.idtr.base);
}

static void page_fault_twice(void **state)
{
	(void)state;
	split_table(VEC_TS);
	set_page(0x50000, 0);
	set_page(0x52000, 0);
	CODE(AT_CODE, 0xa1, IMM32(0x50123));
	assert_fault(VEC_DF, 0, AT_CODE);
	assert_int_equal(m.cpu.cr2, m.cpu.idtr.base + 8 * VEC_PF);
}

static void page_fault_three_times_shuts_down(void **state)
{
	(void)state;
	split_table(VEC_MF);
	set_page(0x50000, 0);
	set_page(0x51000, 0);
	CODE(AT_CODE, 0xa1, IMM32(0x50123));
	assert_int_equal(guest_run(), SHUT_DOWN);
}

static void fault_in_a_double_fault_shuts_down(void **state)
{
	(void)state;
	break_gate(VEC_GP);
	break_gate(VEC_DF);
	CODE(AT_CODE, 0x66, 0xb8, IMM16(0x1ffc), 0x8e, 0xd8);
	assert_int_equal(guest_run(), SHUT_DOWN);
}

/* The stack of ring 0 unusable: #SS on the way to #SS is a double fault, and its own pushes fail.
 */
static void no_stack_shuts_down(void **state)
{
	(void)state;
	gdt(STACK, 0, 0xfff, 0x493);
	set_segment(SEG_SS, STACK);
	CODE(AT_CODE, 0x50);
	assert_int_equal(guest_run(), SHUT_DOWN);
}

/* A task gate for #DF finds a stack of its own. */
static void double_fault_by_task_gate(void **state)
{
	(void)state;
	gdt(STACK, 0, 0xfff, 0x493);
	set_segment(SEG_SS, STACK);
	put_gate(AT_IDT + 8 * VEC_DF, TSS_B, 0, 0x85, 0);
	put(AT_TSS_B + 0x20, AT_TARGET, 4);
	put(AT_TSS_B + 0x38, STACK3, 4);
	put(AT_TSS_B + 0x4c, CODE0, 2);
	put(AT_TSS_B + 0x50, DATA0, 2);
	CODE(AT_CODE, 0x50);
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.tr.sel, TSS_B);
	assert_int_equal(frame(0), 0);
	assert_int_equal(get(AT_TSS + 0x20, 4), AT_CODE);
}

/* --- When events are taken */

static void interrupt(u8 vector)
{
	m.pending_vector = vector;
	m.cpu.events = CPU_EVENT_INTR;
}

static void sti_holds_off_one_instruction(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xfb, 0x40, 0x40, HLT); /* sti; inc eax; inc eax */
	interrupt(SOFT);
	assert_int_equal(guest_run(), SOFT);
	assert_int_equal(frame(0), AT_CODE + 2);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
	/* With IF set already there is no shadow. */
	guest_setup(state);
	m.cpu.vif = EFLAGS_IF;
	CODE(AT_CODE, 0xfb, 0x40);
	interrupt(SOFT);
	assert_int_equal(guest_run(), SOFT);
	assert_int_equal(frame(0), AT_CODE);
}

static void mov_ss_holds_off_one_instruction(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xe4, 0x10, 0x8e, 0xd1, 0x40, 0x40); /* in; mov ss, ecx; inc eax .. */
	m.cpu.gpr[REG_ECX] = DATA0;
	m.cpu.vif = EFLAGS_IF;
	assert_int_equal(machine_step(&m), RECOMP_EVENT);
	assert_int_equal(machine_step(&m), RECOMP_EVENT);
	assert_int_equal(m.cpu.eip, AT_CODE + 4);
	interrupt(SOFT);
	m.cpu.events |= CPU_EVENT_NMI;
	assert_int_equal(guest_run(), VEC_NMI); /* the NMI goes first */
	assert_int_equal(frame(0), AT_CODE + 5);
	assert_true(m.cpu.events & CPU_EVENT_INTR);
}

static void pop_ss_likewise(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x16, 0x17, 0x40, 0x40); /* push ss; pop ss; inc eax */
	m.cpu.vif = EFLAGS_IF;
	assert_int_equal(machine_step(&m), RECOMP_EVENT);
	assert_int_equal(machine_step(&m), RECOMP_EVENT);
	interrupt(SOFT);
	assert_int_equal(guest_run(), SOFT);
	assert_int_equal(frame(0), AT_CODE + 3);
}

static void hlt_ends_with_an_interrupt(void **state)
{
	(void)state;
	CODE(AT_CODE, 0xfb, HLT, 0x90);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_CODE + 2);
	interrupt(SOFT);
	assert_int_equal(guest_run(), SOFT);
	assert_int_equal(frame(0), AT_CODE + 2); /* behind the HLT */
}

/* --- Real mode */

static void real_mode_int(void **state)
{
	(void)state;
	set_real_mode();
	cpu_set_eflags(&m.cpu, EFLAGS_IF | EFLAGS_AC | EFLAGS_CF);
	CODE(AT_CODE, 0xcd, SOFT);
	assert_int_equal(guest_run(), SOFT);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK0 - 6);
	assert_int_equal(frame16(0), AT_CODE + 2);
	assert_int_equal(frame16(1), 0);
	assert_int_equal(frame16(2), EFLAGS_ONE | EFLAGS_IF | EFLAGS_CF);
	assert_int_equal(cpu_eflags(&m.cpu), EFLAGS_ONE | EFLAGS_CF);
}

static void real_mode_table_has_a_limit(void **state)
{
	(void)state;
	set_real_mode();
	m.cpu.idtr.limit = 4 * SOFT + 2;
	CODE(AT_CODE, 0xcd, SOFT);
	assert_int_equal(guest_run(), VEC_GP);
	assert_int_equal(frame16(0), AT_CODE); /* no error code in real mode */
	set_real_mode();
	m.cpu.idtr.limit = 4 * VEC_GP; /* #GP is beyond it, and so is #DF's turn: 8 is within */
	CODE(AT_CODE, 0xcd, SOFT);
	assert_int_equal(guest_run(), VEC_DF);
	set_real_mode();
	m.cpu.idtr.limit = 3;
	CODE(AT_CODE, 0xcd, SOFT);
	assert_int_equal(guest_run(), SHUT_DOWN);
}

/* --- SYSENTER, SYSEXIT */

static void sysenter_and_sysexit(void **state)
{
	(void)state;
	m.cpu.msr.sysenter_cs = CODE0 | 3;
	m.cpu.msr.sysenter_esp = STACK0 - 0x40;
	m.cpu.msr.sysenter_eip = AT_TARGET;
	/* SYSEXIT takes CS + 16 and CS + 24: CODE3 and DATA3 lie there in this GDT. */
	set_ring(3);
	m.cpu.vif = EFLAGS_IF;
	CODE(AT_CODE, 0x0f, 0x34);
	CODE(AT_TARGET, 0x9c, 0x0f, 0x35); /* pushf; sysexit */
	CODE(AT_TARGET + 0x10, INT_END);
	m.cpu.gpr[REG_EDX] = AT_TARGET + 0x10;
	m.cpu.gpr[REG_ECX] = STACK3 - 0x80;
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(get(STACK0 - 0x44, 4), EFLAGS_ONE); /* IF was cleared */
	assert_int_equal(frame(1), CODE3);
	assert_int_equal(frame(3), STACK3 - 0x80);
	assert_int_equal(frame(4), DATA3);
	assert_int_equal(m.cpu.seg[SEG_DS].sel, DATA3);
}

static void sysenter_needs_its_msr(void **state)
{
	(void)state;
	set_ring(3);
	m.cpu.msr.sysenter_cs = 3;
	CODE(AT_CODE, 0x0f, 0x34);
	assert_fault(VEC_GP, 0, AT_CODE);
	guest_setup(state);
	m.cpu.msr.sysenter_cs = 0;
	CODE(AT_CODE, 0x0f, 0x35);
	assert_fault(VEC_GP, 0, AT_CODE);
	set_ring(3);
	m.cpu.msr.sysenter_cs = CODE0;
	CODE(AT_CODE, 0x0f, 0x35);
	assert_fault(VEC_GP, 0, AT_CODE);
}

static const struct CMUnitTest deliver[] = {
	GUEST_TEST(same_level_trap_gate_keeps_if),
	GUEST_TEST(inner_level_interrupt_gate),
	GUEST_TEST(conforming_handler_stays_in_ring_3),
	GUEST_TEST(gate_of_16_bits),
	GUEST_TEST(checks),
	GUEST_TEST(gate_dpl),
	GUEST_TEST(into_without_overflow),
	GUEST_TEST(contributory_twice_is_a_double_fault),
	GUEST_TEST(divide_error_is_contributory),
	GUEST_TEST(benign_then_contributory_is_serial),
	GUEST_TEST(page_fault_then_contributory),
	GUEST_TEST(contributory_then_page_fault_is_serial),
	GUEST_TEST(page_fault_twice),
	GUEST_TEST(page_fault_three_times_shuts_down),
	GUEST_TEST(fault_in_a_double_fault_shuts_down),
	GUEST_TEST(no_stack_shuts_down),
	GUEST_TEST(double_fault_by_task_gate),
	GUEST_TEST(sti_holds_off_one_instruction),
	GUEST_TEST(mov_ss_holds_off_one_instruction),
	GUEST_TEST(pop_ss_likewise),
	GUEST_TEST(hlt_ends_with_an_interrupt),
	GUEST_TEST(real_mode_int),
	GUEST_TEST(real_mode_table_has_a_limit),
	GUEST_TEST(sysenter_and_sysexit),
	GUEST_TEST(sysenter_needs_its_msr),
};
GUEST_MAIN(deliver)
