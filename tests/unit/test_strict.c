/* SPDX-License-Identifier: MIT */
/*
 * Rules of emu/dev/strict.def that the processor's semantics tell of (docs/monitor.md): for each an
 * instruction that breaks it, executed twice, and one that does not.
 * Alone: make build/unit/test_strict && build/unit/test_strict
 */
#include "tests/unit/guest_fixture.h"

#include "emu/cpu/stop.h"
#include "emu/dev/strict.h"

#define TABLE_PAE  (AT_PAGES + 0x4000)
#define LARGE	   0x400000u
#define SHORT	   0xfffu /* limit of the segment FREE */
#define A20_GLA	   0x108000u
#define MSR_MTRR0  0x200u
#define GATE	   0x60
#define TYPE_LDT16 10u /* reserved */

static struct cpu_env env;
static struct {
	unsigned times, rule;
	u32 number;
} told;

static void note(struct cpu *cpu, unsigned rule, u32 number)
{
	(void)cpu;
	told.times++;
	told.rule = rule + 1;
	told.number = number;
}

static int setup(void **state)
{
	m.cpu.stops.vectors = 0;
	m.cpu.a20_mask = ~0ull;
	guest_setup(state);
	if (m.cpu.env != &env)
		env = *m.cpu.env;
	env.strict = note;
	m.cpu.env = &env;
	m.cpu.stops.vectors = CPU_STRICT;
	memset(&told, 0, sizeof(told));
	return 0;
}

#define STRICT_TEST(f) \
	cmocka_unit_test_prestate_setup_teardown(f, setup, NULL, (void *)(uintptr_t) #f)

/* Code at AT_CODE with EAX and ECX, twice: so it ends, and so it is told each time. rule 0: not. */
static void twice(u32 eax, u32 ecx, int vector, unsigned rule, u32 number)
{
	for (unsigned n = 1; n <= 2; n++) {
		set_ring(0);
		m.cpu.gpr[REG_EAX] = eax;
		m.cpu.gpr[REG_ECX] = ecx;
		m.cpu.gpr[REG_EDX] = 0;
		assert_int_equal(guest_run(), vector);
		assert_int_equal(told.times, rule ? n : 0);
		assert_int_equal(told.rule, rule);
		assert_int_equal(told.number, number);
	}
	memset(&told, 0, sizeof(told));
}

#define RULE(name) (STRICT_##name + 1)

static void control_registers(void **state)
{
	u32 cr0 = m.cpu.cr0;

	(void)state;
	CODE(AT_CODE, 0x0f, 0x22, 0xc0, HLT); /* mov cr0, eax */
	twice(cr0 | CR0_WP, 0, HALTED, 0, 0);
	twice((cr0 & ~CR0_PE) | CR0_PG, 0, VEC_GP, RULE(cr0_invalid), 0);
	twice((cr0 & ~CR0_CD) | CR0_NW, 0, VEC_GP, RULE(cr0_invalid), 0);
	CODE(AT_CODE, 0x0f, 0x22, 0xe0, HLT); /* mov cr4, eax */
	twice(CR4_PSE, 0, HALTED, 0, 0);
	twice(BIT(31), 0, VEC_GP, RULE(cr4_reserved), 0);
	put(TABLE_PAE, 1 | BIT(1), 4);
	m.cpu.cr4 = CR4_PAE;
	m.cpu.cr3 = TABLE_PAE;
	CODE(AT_CODE, 0x0f, 0x22, 0xc0, HLT);
	twice(cr0 | CR0_PG, 0, VEC_GP, RULE(pdpte_reserved), 0);
}

static void model_specific_registers(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x0f, 0x30, HLT); /* wrmsr */
	twice(0, MSR_PAT, HALTED, 0, 0);
	twice(2, MSR_PAT, VEC_GP, RULE(msr_reserved), 0);
	twice(BIT(4), MSR_EFER, VEC_GP, RULE(msr_reserved), 0);
	twice(6, MSR_MTRR0, HALTED, 0, 0);
	twice(2, MSR_MTRR0, VEC_GP, RULE(msr_reserved), 0);
	twice(0, 0x12345, VEC_GP, 0, 0); /* kernels look so which there are */
}

static void entries(void **state)
{
	(void)state;
	guest_paging();
	m.cpu.cr4 |= CR4_PSE;
	put(AT_PAGES + 4, PTE_P | PTE_W | PTE_PS | BIT(21), 4);
	machine_unmap(&m);
	CODE(AT_CODE, 0xa1, IMM32(LARGE), HLT); /* mov eax, [LARGE] */
	twice(0, 0, VEC_PF, RULE(pte_reserved), LARGE);
	put(AT_PAGES + 4, 0, 4);
	machine_unmap(&m);
	twice(0, 0, VEC_PF, 0, 0);
}

static void descriptors(void **state)
{
	(void)state;
	idt(GATE, CODE0, HANDLER(GATE), 0x80);
	gdt(FREE, 0, 0xff, 0x80 | TYPE_LDT16);
	CODE(AT_CODE, 0xcd, GATE); /* int */
	twice(0, 0, VEC_GP, RULE(desc_reserved), 0);
	CODE(AT_CODE, FAR_JMP(FREE, 0));
	twice(0, 0, VEC_GP, RULE(desc_reserved), 0);
	CODE(AT_CODE, 0x0f, 0x00, 0xd0); /* lldt ax */
	twice(FREE, 0, VEC_GP, RULE(desc_reserved), 0);
	CODE(AT_CODE, 0x0f, 0x00, 0xd8); /* ltr ax */
	twice(FREE, 0, VEC_GP, RULE(desc_reserved), 0);
	twice(DATA0, 0, VEC_GP, 0, 0); /* of another kind, which processors and emulators refuse */
	idt(GATE, CODE0, HANDLER(GATE), 0x8e);
	CODE(AT_CODE, 0xcd, GATE);
	twice(0, 0, GATE, 0, 0);
}

/* The gate of #UD is none: #GP is delivered for it, and nobody has executed INT. */
static void a_gate_within_a_delivery(void **state)
{
	(void)state;
	idt(VEC_UD, CODE0, HANDLER(VEC_UD), 0x80);
	CODE(AT_CODE, 0x0f, 0x0b); /* ud2 */
	twice(0, 0, VEC_GP, RULE(desc_reserved), 0);
}

static void a_null_stack(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x8e, 0xd0, HLT); /* mov ss, ax */
	twice(DATA0, 0, HALTED, 0, 0);
	twice(0, 0, VEC_GP, RULE(null_ss), 0);
	/* push eax; push AT_DATA; push CODE3; push AT_TARGET; retf */
	CODE(AT_CODE, 0x50, 0x68, IMM32(AT_DATA), 0x6a, CODE3, 0x68, IMM32(AT_TARGET), 0xcb);
	CODE(AT_TARGET, INT_END);
	twice(0, 0, VEC_GP, RULE(null_ss), 0);
	twice(DATA3, 0, VEC_END, 0, 0);
}

static void limits(void **state)
{
	(void)state;
	gdt(FREE, 0, SHORT, ATTR_DATA32 & ~0x800u);
	CODE(AT_CODE, 0x8e, 0xc0, 0x26, 0x8b, 0x15, IMM32(SHORT - 3), HLT); /* mov edx, es:[...] */
	twice(FREE, 0, HALTED, 0, 0);
	CODE(AT_CODE, 0x8e, 0xc0, 0x26, 0x8b, 0x15, IMM32(SHORT - 2), HLT);
	twice(FREE, 0, VEC_GP, RULE(segment_limit), 0);
}

static void alignment(void **state)
{
	(void)state;
	m.cpu.cr4 |= CR4_OSFXSR;
	CODE(AT_CODE, 0x0f, 0x28, 0x00, HLT); /* movaps xmm0, [eax] */
	twice(AT_DATA, 0, HALTED, 0, 0);
	twice(AT_DATA + 8, 0, VEC_GP, RULE(sse_align), 0);
	CODE(AT_CODE, 0x66, 0x0f, 0x7f, 0x00, HLT); /* movdqa [eax], xmm0 */
	twice(AT_DATA + 4, 0, VEC_GP, RULE(sse_align), 0);
	CODE(AT_CODE, 0x0f, 0x10, 0x00, HLT); /* movups xmm0, [eax] */
	twice(AT_DATA + 1, 0, HALTED, 0, 0);
	CODE(AT_CODE, 0x0f, 0xae, 0x00, HLT); /* fxsave [eax] */
	twice(AT_DATA + 8, 0, VEC_GP, RULE(sse_align), 0);
}

static void set_a20(bool on)
{
	m.cpu.a20_mask = on ? ~0ull : ~BIT64(20);
	cpu_translations_changed(&m.cpu, PAGING_A20, 0);
}

/* By C: whether a page of the machine's is mapped, the test's machine does not ask the rules. */
static void read_twice(unsigned access, unsigned rule)
{
	u32 v = 1;

	for (unsigned n = 1; n <= 2; n++) {
		if (access & ACCESS_WRITE)
			assert_int_equal(cpu_lin_write(&m.cpu, A20_GLA, &v, 4, 0), CPU_NEXT);
		else
			assert_int_equal(cpu_lin_read(&m.cpu, A20_GLA, &v, 4, 0), CPU_NEXT);
		assert_int_equal(told.times, rule ? n : 0);
		assert_int_equal(told.rule, rule);
		assert_int_equal(told.number, rule ? A20_GLA : 0);
	}
	memset(&told, 0, sizeof(told));
}

static void a20(void **state)
{
	(void)state;
	set_a20(false);
	read_twice(ACCESS_READ, RULE(a20_off));
	read_twice(ACCESS_WRITE, RULE(a20_off));
	assert_int_equal(get(A20_GLA & ~(u32)BIT(20), 4), 1);
	m.cpu.cr0 &= ~CR0_PE; /* so programs look whether it is on */
	read_twice(ACCESS_READ, 0);
	read_twice(ACCESS_WRITE, RULE(a20_off));
	set_a20(true);
	read_twice(ACCESS_WRITE, 0);
}

static void unwritten(void **state)
{
	u32 v = 7;

	(void)state;
	assert_int_equal(gpmem_follow_fresh(&m.mem, 100), 0);
	for (unsigned n = 1; n <= 2; n++) {
		assert_int_equal(cpu_lin_read(&m.cpu, AT_DATA, &v, 4, 0), CPU_NEXT);
		assert_int_equal(told.times, n);
		assert_int_equal(told.rule, RULE(ram_unwritten));
		assert_int_equal(told.number, AT_DATA);
	}
	assert_int_equal(cpu_lin_write(&m.cpu, AT_DATA + 1, &v, 1, 0), CPU_NEXT);
	assert_int_equal(cpu_lin_read(&m.cpu, AT_DATA, &v, 4, 0), CPU_NEXT); /* one byte was */
	assert_int_equal(told.times, 2);
	m.cpu.cr0 |= CR0_PG;
	m.cpu.cr3 = TABLE_PAE;
	cpu_translations_changed(&m.cpu, PAGING_CR0, 0);
	assert_int_equal(cpu_lin_read(&m.cpu, AT_DATA, &v, 4, 0), CPU_FAULT);
	assert_int_equal(told.times, 3);
	assert_int_equal(told.rule, RULE(ram_table));
	assert_int_equal(told.number, AT_DATA);
	gpmem_fresh_end(&m.mem);
	assert_int_equal(cpu_lin_read(&m.cpu, AT_DATA, &v, 4, 0), CPU_FAULT);
	assert_int_equal(told.times, 3);
}

static const struct CMUnitTest tests[] = {
	STRICT_TEST(control_registers),
	STRICT_TEST(model_specific_registers),
	STRICT_TEST(entries),
	STRICT_TEST(descriptors),
	STRICT_TEST(a_gate_within_a_delivery),
	STRICT_TEST(a_null_stack),
	STRICT_TEST(limits),
	STRICT_TEST(alignment),
	STRICT_TEST(a20),
	STRICT_TEST(unwritten), /* the last: it follows RAM from there on */
};

GUEST_MAIN(tests)
