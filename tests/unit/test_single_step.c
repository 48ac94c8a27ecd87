/* SPDX-License-Identifier: MIT */
/*
 * Single steps (SDM 3B 17.3.1.4), and what POPF, IRET, INT n, REP, SYSENTER, HLT and MOV SS do to
 * them and to a breakpoint's trap; the order of traps and interrupts between two instructions.
 */
#include "tests/unit/debug_fixture.h"

/* --- Single steps */

static void single_step(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x40, 0x41, HLT);
	m.cpu.eflags |= EFLAGS_TF;
	assert_debug(DR6_BS, AT_CODE + 1, 0);
	assert_true(frame(2) & EFLAGS_TF);
	assert_int_equal(frame(2),
			 EFLAGS_ONE | EFLAGS_TF | EFLAGS_PF * 0 | (frame(2) & EFLAGS_ARITH));
	assert_false(m.cpu.eflags & EFLAGS_TF);
}

/* TF that POPF sets traps behind the next instruction, that it clears behind itself. */
static void popf_and_tf(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x9d, 0x40, 0x41, HLT);
	m.cpu.gpr[REG_ESP] = STACK0 - 4;
	put(STACK0 - 4, EFLAGS_TF, 4);
	assert_debug(DR6_BS, AT_CODE + 2, 0);
	guest_setup(state);
	m.cpu.gpr[REG_ESP] = STACK0 - 4;
	put(STACK0 - 4, 0, 4);
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, 0x9d, 0x40, 0x41, HLT);
	assert_debug(DR6_BS, AT_CODE + 1, 0);
	assert_false(frame(2) & EFLAGS_TF);
}

static void iret_and_tf(void **state)
{
	(void)state;
	m.cpu.gpr[REG_ESP] = STACK0 - 12;
	put(STACK0 - 12, AT_CODE, 4);
	put(STACK0 - 8, CODE0, 4);
	put(STACK0 - 4, EFLAGS_TF, 4);
	CODE(AT_TARGET, 0xcf);
	m.cpu.eip = AT_TARGET;
	CODE(AT_CODE, 0x40, 0x41);
	assert_debug(DR6_BS, AT_CODE + 1, 0);
}

static void soft_int_is_not_trapped(void **state)
{
	(void)state;
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, 0xcd, 0x40);
	assert_int_equal(guest_run(), 0x40);
	assert_true(frame(2) & EFLAGS_TF);
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS);
	assert_false(m.cpu.eflags & EFLAGS_TF);
}

static void a_faulting_instruction_is_not_trapped(void **state)
{
	(void)state;
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, 0x0f, 0x0b);
	assert_int_equal(guest_run(), VEC_UD);
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS);
}

static void rep_is_trapped_per_iteration(void **state)
{
	(void)state;
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, 0xf3, 0xa4, HLT);
	m.cpu.gpr[REG_ESI] = AT_DATA;
	m.cpu.gpr[REG_EDI] = AT_DATA + 0x100;
	m.cpu.gpr[REG_ECX] = 2;
	assert_debug(DR6_BS, AT_CODE, EFLAGS_RF);
	assert_int_equal(m.cpu.gpr[REG_ECX], 1);
	set_ring(0);
	m.cpu.eflags |= EFLAGS_TF;
	assert_debug(DR6_BS, AT_CODE + 2, 0);
	assert_int_equal(m.cpu.gpr[REG_ECX], 0);
}

static void sysenter_is_trapped_in_the_kernel(void **state)
{
	(void)state;
	m.cpu.msr.sysenter_cs = CODE0;
	m.cpu.msr.sysenter_esp = STACK0;
	m.cpu.msr.sysenter_eip = AT_TARGET;
	set_ring(3);
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, 0x0f, 0x34);
	assert_debug(DR6_BS, AT_TARGET, 0);
	assert_int_equal(frame(1), CODE0);
}

static void hlt_is_trapped(void **state)
{
	(void)state;
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, HLT);
	assert_debug(DR6_BS, AT_CODE + 1, 0);
}

static void jump_and_call_are_trapped(void **state)
{
	(void)state;
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, 0xeb, 0x10);
	assert_debug(DR6_BS, AT_CODE + 0x12, 0);
	guest_setup(state);
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, FAR_CALL(CODE0, AT_TARGET));
	assert_debug(DR6_BS, AT_TARGET, 0);
}

/* The trap goes before the interrupt that waits (SDM 3A table 6-2). */
static void trap_before_interrupt(void **state)
{
	(void)state;
	idt(VEC_DB, CODE0, HANDLER(VEC_DB), 0x8f); /* IF stays */
	CODE(AT_CODE, 0xe6, 0x10, 0x90);	   /* out: the device raises its line */
	m.cpu.eflags |= EFLAGS_TF;
	m.cpu.vif = EFLAGS_IF;
	arm(0, 0x10, L(0) | RW(0, IO, LEN1));
	m.cpu.cr4 = CR4_DE;
	assert_int_equal(machine_step(&m), RECOMP_EVENT);
	m.pending_vector = 0x40;
	m.cpu.events = CPU_EVENT_INTR;
	assert_int_equal(guest_run(), 0x40);
	assert_int_equal(frame(0), HANDLER(VEC_DB)); /* the #DB handler was entered first */
	assert_int_equal(frame(3), AT_CODE + 2);
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS | DR6_BS | 1);
}

/* --- MOV SS */

static void mov_ss_holds_off_the_step(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x8e, 0xd1, 0x40, 0x41); /* mov ss, ecx; inc eax */
	m.cpu.gpr[REG_ECX] = DATA0;
	m.cpu.eflags |= EFLAGS_TF;
	assert_debug(DR6_BS, AT_CODE + 3, 0);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
}

static void mov_ss_keeps_a_data_hit(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x8e, 0x15, IMM32(AT_DATA), 0x40, 0x41); /* mov ss, [8000h]; inc eax */
	put(AT_DATA, DATA0, 2);
	arm(2, AT_DATA, L(2) | RW(2, RWD, LEN2));
	assert_debug(1 << 2, AT_CODE + 7, 0);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
}

/* ... even if that is an INT n: the #DB comes in its handler, before anything there ran. */
static void mov_ss_then_int(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x8e, 0x15, IMM32(AT_DATA), 0xcd, 0x40);
	put(AT_DATA, DATA0, 2);
	arm(2, AT_DATA, L(2) | RW(2, RWD, LEN2));
	assert_debug(1 << 2, HANDLER(0x40), 0);
	assert_int_equal(frame(3), AT_CODE + 8);
}

static void mov_ss_holds_off_an_instruction_breakpoint(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x8e, 0xd1, 0x40, HLT);
	m.cpu.gpr[REG_ECX] = DATA0;
	arm(0, AT_CODE + 2, L(0));
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_CODE + 4);
	assert_int_equal(m.cpu.gpr[REG_EAX], 0x11111112);
}

/*
 * A step is owed, as raw execution leaves it, and an NMI and an interrupt are pending: the #DB is
 * first (SDM 3A table 6-2), of the interrupted code; what comes behind it finds its handler. After
 * MOV SS neither comes.
 */
static void owed_step_before_interrupts(void **state)
{
	for (unsigned trap_gate = 0; trap_gate < 2; trap_gate++) {
		guest_setup(state);
		idt(VEC_DB, CODE0, HANDLER(VEC_DB), trap_gate ? 0x8f : 0x8e);
		cpu_set_eflags(&m.cpu, EFLAGS_ONE | EFLAGS_IF);
		m.cpu.debug_hits = DR6_BS;
		m.pending_vector = 0x40;
		recomp_signal(&m.cpu, CPU_EVENT_INTR);
		m.cpu.shadow = CPU_SHADOW_MOV_SS;
		assert_int_equal(cpu_take_events(&m.cpu), CPU_NEXT);
		assert_int_equal(m.cpu.eip, AT_CODE);
		m.cpu.shadow = 0;
		assert_int_equal(cpu_take_events(&m.cpu), CPU_JUMP);
		assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS | DR6_BS);
		assert_int_equal(get(STACK0 - 12, 4), AT_CODE);
		assert_int_equal(m.cpu.eip, HANDLER(trap_gate ? 0x40 : VEC_DB));
		if (trap_gate)
			assert_int_equal(frame(0), HANDLER(VEC_DB));
	}
	guest_setup(state);
	m.cpu.debug_hits = DR6_BS;
	recomp_signal(&m.cpu, CPU_EVENT_NMI);
	assert_int_equal(cpu_take_events(&m.cpu), CPU_JUMP);
	assert_int_equal(m.cpu.eip, HANDLER(VEC_NMI));
	assert_int_equal(frame(0), HANDLER(VEC_DB));
}

/* --- Real mode */

static void real_mode_step(void **state)
{
	(void)state;
	m.cpu.cr0 = CR0_ET;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		m.cpu.seg[s] = (struct cpu_segment){ .attr = 0x93, .limit = 0xffff };
	m.cpu.idtr = (struct cpu_table){ 0, 0x3ff };
	put(4 * VEC_DB, HANDLER(VEC_DB), 4);
	m.cpu.env->paging_changed(&m.cpu, PAGING_CR0);
	m.cpu.eflags |= EFLAGS_TF;
	CODE(AT_CODE, 0x40);
	assert_int_equal(guest_run(), VEC_DB);
	assert_int_equal(frame16(0), AT_CODE + 1);
	assert_int_equal(m.cpu.dr[6], NO_SIDE_EFFECTS | DR6_BS);
}

static const struct CMUnitTest single_steps[] = {
	GUEST_TEST(single_step),
	GUEST_TEST(popf_and_tf),
	GUEST_TEST(iret_and_tf),
	GUEST_TEST(soft_int_is_not_trapped),
	GUEST_TEST(a_faulting_instruction_is_not_trapped),
	GUEST_TEST(rep_is_trapped_per_iteration),
	GUEST_TEST(sysenter_is_trapped_in_the_kernel),
	GUEST_TEST(hlt_is_trapped),
	GUEST_TEST(jump_and_call_are_trapped),
	GUEST_TEST(trap_before_interrupt),
	GUEST_TEST(mov_ss_holds_off_the_step),
	GUEST_TEST(mov_ss_keeps_a_data_hit),
	GUEST_TEST(mov_ss_then_int),
	GUEST_TEST(mov_ss_holds_off_an_instruction_breakpoint),
	GUEST_TEST(owed_step_before_interrupts),
	GUEST_TEST(real_mode_step),
};
GUEST_MAIN(single_steps)
