/* SPDX-License-Identifier: MIT */
/*
 * IRET and far RET in protected mode: same and outer level, which flags each level may write, and
 * the manual's order of checks (SDM 2 IRET, RET; SDM 3A 6.12.1, 5.8.6). V86 mode is in test_v86.c,
 * NT in test_task_switch.c.
 */
#include "tests/unit/guest_fixture.h"

#define OTHER FREE
#define STACK (FREE + 0x08)

/* An image on the stack of ring 0, from the top down as it is popped. */
static void image(const u32 *words, unsigned n)
{
	set_ring(0);
	m.cpu.gpr[REG_ESP] = STACK0 - 4 * n;
	for (unsigned i = 0; i < n; i++)
		put(STACK0 - 4 * (n - i), words[i], 4);
}
#define IMAGE(...)                                                 \
	do {                                                       \
		const u32 words_[] = { __VA_ARGS__ };              \
		image(words_, sizeof(words_) / sizeof(words_[0])); \
	} while (0)

static void same_level(void **state)
{
	(void)state;
	IMAGE(AT_TARGET, CODE0, EFLAGS_CF | EFLAGS_IOPL | EFLAGS_ID | EFLAGS_AC);
	CODE(AT_CODE, 0xcf);
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.eip, AT_TARGET + 1);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK0);
	assert_int_equal(cpu_eflags(&m.cpu),
			 EFLAGS_ONE | EFLAGS_CF | EFLAGS_IOPL | EFLAGS_ID | EFLAGS_AC);
}

static void outer_level(void **state)
{
	(void)state;
	IMAGE(AT_TARGET, CODE3, EFLAGS_IF | EFLAGS_ZF, STACK3 - 0x20, DATA3);
	gdt(OTHER, 0, 0xfffff, ATTR_CONF32);
	set_segment(SEG_ES, DATA3);
	set_segment(SEG_FS, OTHER);
	CODE(AT_CODE, 0xcf);
	CODE(AT_TARGET, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(0), AT_TARGET + 2);
	assert_int_equal(frame(1), CODE3);
	assert_int_equal(frame(2), EFLAGS_ONE | EFLAGS_IF | EFLAGS_ZF);
	assert_int_equal(frame(3), STACK3 - 0x20);
	assert_int_equal(frame(4), DATA3);
	/* DS and GS held ring-0 data: null now. ES may stay, and conforming code may. */
	assert_int_equal(m.cpu.seg[SEG_DS].sel, 0);
	assert_true(m.cpu.seg[SEG_GS].attr & SEG_ATTR_UNUSABLE);
	assert_int_equal(m.cpu.seg[SEG_ES].sel, DATA3);
	assert_int_equal(m.cpu.seg[SEG_FS].sel, OTHER);
}

static void nulled_segment_faults_on_use(void **state)
{
	(void)state;
	IMAGE(AT_TARGET, CODE3, 0, STACK3, DATA3);
	CODE(AT_CODE, 0xcf);
	CODE(AT_TARGET, 0xa1, IMM32(AT_DATA)); /* mov eax, [ds:..] */
	assert_fault(VEC_GP, 0, AT_TARGET);
}

static void operand_of_16_bits(void **state)
{
	(void)state;
	set_ring(0);
	m.cpu.gpr[REG_ESP] = STACK0 - 10;
	put(STACK0 - 10, AT_TARGET, 2);
	put(STACK0 - 8, CODE3, 2);
	put(STACK0 - 6, EFLAGS_ZF, 2);
	put(STACK0 - 4, STACK3 - 0x40, 2);
	put(STACK0 - 2, DATA3, 2);
	m.cpu.eflags |= EFLAGS_ID;
	CODE(AT_CODE, 0x66, 0xcf);
	CODE(AT_TARGET, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(0), AT_TARGET + 2);
	assert_int_equal(frame(2), EFLAGS_ONE | EFLAGS_ZF | EFLAGS_ID); /* the upper half stays */
	assert_int_equal(frame(3), STACK3 - 0x40);
}

/* An outer stack of 16 bits: SP alone is loaded. */
static void stack_of_16_bits(void **state)
{
	(void)state;
	gdt(STACK, 0, 0xffff, 0x93 | ATTR_DPL(3));
	IMAGE(AT_TARGET, CODE3, 0, 0xabcd0000 | (STACK3 - 0x20), STACK | 3);
	CODE(AT_CODE, 0xcf);
	CODE(AT_TARGET, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(frame(3), STACK3 - 0x20);
	assert_int_equal(frame(4), STACK | 3);
}

/* --- Flags by privilege: image with everything set; ring 3 with IOPL 0, then 3. */

static u32 flags_from_ring_3(unsigned iopl, u32 flags)
{
	set_ring(3);
	m.cpu.eflags |= iopl << 12;
	m.cpu.gpr[REG_ESP] = STACK3 - 12;
	put(STACK3 - 12, AT_TARGET, 4);
	put(STACK3 - 8, CODE3, 4);
	put(STACK3 - 4, flags, 4);
	CODE(AT_CODE, 0xcf);
	CODE(AT_TARGET, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	return frame(2);
}

static void ring_3_may_not_write_iopl_vm_vif(void **state)
{
	const u32 all = 0x3f7fd7 & ~EFLAGS_TF & ~EFLAGS_NT;
	const u32 may = EFLAGS_ARITH | EFLAGS_ONE | EFLAGS_AC | EFLAGS_ID;

	assert_int_equal(flags_from_ring_3(0, all), may);
	guest_setup(state);
	assert_int_equal(flags_from_ring_3(3, all & ~EFLAGS_IF), may | EFLAGS_IOPL);
	guest_setup(state);
	assert_int_equal(flags_from_ring_3(3, all), may | EFLAGS_IOPL | EFLAGS_IF);
}

static void ring_0_writes_vif_and_nt(void **state)
{
	(void)state;
	IMAGE(AT_TARGET, CODE0, EFLAGS_VIF | EFLAGS_VIP | EFLAGS_NT);
	CODE(AT_CODE, 0xcf);
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(cpu_eflags(&m.cpu), EFLAGS_ONE | EFLAGS_VIF | EFLAGS_VIP | EFLAGS_NT);
}

/* Bits 3, 5 and 15 are 0, whatever the image says (SDM 1 figure 3-8). */
static void reserved_flags_stay_clear(void **state)
{
	(void)state;
	m.cpu.cr0 &= ~CR0_PE;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		m.cpu.seg[s] = (struct cpu_segment){ 0, s == SEG_CS ? 0x9b : 0x93, 0, 0xffff };
	m.cpu.env->paging_changed(&m.cpu, PAGING_CR0);
	m.cpu.gpr[REG_ESP] = STACK0 - 6;
	put(STACK0 - 6, AT_TARGET, 2);
	put(STACK0 - 4, 0, 2);
	put(STACK0 - 2, 0x8028 | EFLAGS_CF, 2);
	CODE(AT_CODE, 0xcf);
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(cpu_eflags(&m.cpu), EFLAGS_ONE | EFLAGS_CF);
}

/* --- Checks */

static void code_null(void)
{
	IMAGE(AT_TARGET, 3, 0, STACK3, DATA3);
}

static void code_beyond(void)
{
	IMAGE(AT_TARGET, 0x103, 0, STACK3, DATA3);
}

static void code_is_data(void)
{
	IMAGE(AT_TARGET, DATA3, 0, STACK3, DATA3);
}

static void code_dpl(void)
{
	IMAGE(AT_TARGET, CODE0 | 3, 0, STACK3, DATA3);
}

static void code_conforming_dpl(void)
{
	gdt(OTHER, 0, 0xfffff, ATTR_CONF32 | ATTR_DPL(2));
	IMAGE(AT_TARGET, OTHER | 1, 0, STACK3, DATA3);
}

static void code_absent(void)
{
	gdt(OTHER, 0, 0xfffff, (ATTR_CODE32 | ATTR_DPL(3)) & ~ATTR_P);
	IMAGE(AT_TARGET, OTHER | 3, 0, STACK3, 0);
}

static void stack_null(void)
{
	IMAGE(AT_TARGET, CODE3, 0, STACK3, 0);
}

static void stack_beyond(void)
{
	IMAGE(AT_TARGET, CODE3, 0, STACK3, 0x103);
}

static void stack_rpl(void)
{
	IMAGE(AT_TARGET, CODE3, 0, STACK3, DATA3 & ~3);
}

static void stack_is_code(void)
{
	IMAGE(AT_TARGET, CODE3, 0, STACK3, CODE3);
}

static void stack_read_only(void)
{
	gdt(STACK, 0, 0xfffff, 0xc91 | ATTR_DPL(3));
	IMAGE(AT_TARGET, CODE3, 0, STACK3, STACK | 3);
}

static void stack_dpl(void)
{
	gdt(STACK, 0, 0xfffff, ATTR_DATA32 | ATTR_DPL(2));
	IMAGE(AT_TARGET, CODE3, 0, STACK3, STACK | 3);
}

static void stack_absent(void)
{
	gdt(STACK, 0, 0xfffff, (ATTR_DATA32 | ATTR_DPL(3)) & ~ATTR_P);
	IMAGE(AT_TARGET, CODE3, 0, STACK3, STACK | 3);
}

static void eip_beyond(void)
{
	gdt(OTHER, 0, AT_TARGET - 1, 0x49b | ATTR_DPL(3));
	IMAGE(AT_TARGET, OTHER | 3, 0, STACK3, DATA3);
}

static void stack_absent_and_eip_beyond(void)
{
	stack_absent();
	gdt(OTHER, 0, AT_TARGET - 1, 0x49b | ATTR_DPL(3));
	IMAGE(AT_TARGET, OTHER | 3, 0, STACK3, STACK | 3);
}

static const struct {
	void (*make)(void);
	u8 vector;
	u16 error;
} check[] = {
	{ code_null, VEC_GP, 0 },
	{ code_beyond, VEC_GP, 0x100 },
	{ code_is_data, VEC_GP, DATA3 & ~3 },
	{ code_dpl, VEC_GP, CODE0 },
	{ code_conforming_dpl, VEC_GP, OTHER },
	{ code_absent, VEC_NP, OTHER },
	{ stack_null, VEC_GP, 0 },
	{ stack_beyond, VEC_GP, 0x100 },
	{ stack_rpl, VEC_GP, DATA3 & ~3 },
	{ stack_is_code, VEC_GP, CODE3 & ~3 },
	{ stack_read_only, VEC_GP, STACK },
	{ stack_dpl, VEC_GP, STACK },
	{ stack_absent, VEC_SS, STACK },
	{ eip_beyond, VEC_GP, 0 },
	{ stack_absent_and_eip_beyond, VEC_SS, STACK },
};

/* RETF makes the same checks in the same order; its image lacks the flags. */
static void checks(void **state)
{
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(check); i++) {
		bool retf = i & 1;

		guest_setup(state);
		check[i / 2].make();
		if (retf) {
			for (unsigned w = 2; w < 4; w++)
				put(STACK0 - 20 + 4 * w, get(STACK0 - 20 + 4 * w + 4, 4), 4);
			CODE(AT_CODE, 0xcb);
		} else {
			CODE(AT_CODE, 0xcf);
		}
		assert_fault(check[i / 2].vector, check[i / 2].error, AT_CODE);
		assert_int_equal(m.cpu.gpr[REG_ESP], STACK0 - 20 - 16);
	}
}

/* A stack that ends within the image is #SS(0), before anything in it is looked at. */
static void image_beyond_the_stack(void **state)
{
	(void)state;
	gdt(STACK, 0, STACK0 - 5, 0x493);
	IMAGE(AT_TARGET, CODE3, 0, STACK3, DATA3);
	set_segment(SEG_SS, STACK);
	CODE(AT_CODE, 0xcf);
	assert_fault(VEC_SS, 0, AT_CODE);
}

static void inward_is_refused(void **state)
{
	for (unsigned retf = 0; retf < 2; retf++) {
		guest_setup(state);
		set_ring(3);
		m.cpu.gpr[REG_ESP] = STACK3 - 12;
		put(STACK3 - 12, AT_TARGET, 4);
		put(STACK3 - 8, CODE0, 4);
		m.ram[AT_CODE] = retf ? 0xcb : 0xcf;
		assert_fault(VEC_GP, CODE0, AT_CODE);
	}
}

static void retf_releases_parameters(void **state)
{
	(void)state;
	set_ring(0);
	m.cpu.gpr[REG_ESP] = STACK0 - 16;
	put(STACK0 - 16, AT_TARGET, 4);
	put(STACK0 - 12, CODE0, 4);
	CODE(AT_CODE, 0xca, 8, 0);
	CODE(AT_TARGET, HLT);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK0);
}

static void iret_ends_nmi_blocking(void **state)
{
	(void)state;
	idt(VEC_NMI, CODE0, AT_TARGET, 0x8e);
	CODE(AT_CODE, 0x90, 0x90, HLT);
	/* The handler counts, asks for another NMI by OUT, which must wait for its IRET. */
	CODE(AT_TARGET, 0x43, 0x90, 0x89, 0xd9, 0xcf); /* inc ebx; nop; mov ecx, ebx; iret */
	m.cpu.gpr[REG_EBX] = 0;
	m.cpu.events = CPU_EVENT_NMI;
	assert_int_equal(machine_step(&m), RECOMP_EVENT); /* taken, and INC done */
	assert_int_equal(m.cpu.gpr[REG_EBX], 1);
	assert_true(m.cpu.nmi_blocked);
	recomp_signal(&m.cpu, CPU_EVENT_NMI);
	assert_int_equal(machine_step(&m), RECOMP_EVENT);
	assert_int_equal(machine_step(&m), RECOMP_EVENT);
	assert_int_equal(m.cpu.gpr[REG_EBX], 1); /* still in the first one */
	assert_int_equal(m.cpu.gpr[REG_ECX], 1);
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.gpr[REG_EBX], 2);
	assert_false(m.cpu.nmi_blocked);
	assert_int_equal(m.cpu.gpr[REG_ESP], STACK0);
}

static const struct CMUnitTest iret[] = {
	GUEST_TEST(same_level),
	GUEST_TEST(outer_level),
	GUEST_TEST(nulled_segment_faults_on_use),
	GUEST_TEST(operand_of_16_bits),
	GUEST_TEST(stack_of_16_bits),
	GUEST_TEST(ring_3_may_not_write_iopl_vm_vif),
	GUEST_TEST(ring_0_writes_vif_and_nt),
	GUEST_TEST(reserved_flags_stay_clear),
	GUEST_TEST(checks),
	GUEST_TEST(image_beyond_the_stack),
	GUEST_TEST(inward_is_refused),
	GUEST_TEST(retf_releases_parameters),
	GUEST_TEST(iret_ends_nmi_blocking),
};
GUEST_MAIN(iret)
