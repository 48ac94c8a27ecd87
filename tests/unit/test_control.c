/* SPDX-License-Identifier: MIT */
/*
 * Control registers (SDM 3A 2.5, 4.4.1; SDM 2 MOV CR, LMSW, CLTS, SMSW): which writes are refused,
 * and what the others leave.
 */
#include <cpuid.h>

#include "tests/unit/guest_fixture.h"

#define TABLES (AT_PAGES + 0x4000) /* page-directory pointers */

/* mov crN, eax; hlt */
static int write_cr(unsigned n, u32 value)
{
	CODE(AT_CODE, 0x0f, 0x22, 0xc0, HLT);
	m.ram[AT_CODE + 2] = (u8)(0xc0 | n << 3);
	machine_wrote(&m, AT_CODE, 4);
	m.cpu.gpr[REG_EAX] = value;
	m.cpu.eip = AT_CODE;
	return guest_run();
}

static void combinations(void **state)
{
	static const struct {
		u8 n;
		u32 value;
		int vector;
	} t[] = {
		{ 0, CR0_ET | CR0_PE | CR0_NE | CR0_WP, HALTED },
		{ 0, CR0_ET | CR0_PE | CR0_NE | CR0_NW, VEC_GP }, /* NW wants CD */
		{ 0, CR0_ET | CR0_PE | CR0_NE | CR0_NW | CR0_CD, HALTED },
		{ 0, CR0_ET | CR0_NE | CR0_PG, VEC_GP }, /* PG wants PE */
		{ 0, 0x1ff80000 | CR0_PE | CR0_NE | CR0_ET,
		  HALTED }, /* reserved bits are ignored */
		{ 1, 0, VEC_UD },
		{ 2, 0x12345678, HALTED },
		{ 3, 0x12345fff, HALTED },
		{ 4, CR4_PSE | CR4_PGE | CR4_DE, HALTED },
		{ 4, BIT(23), VEC_GP },
		{ 4, BIT(31), VEC_GP },
		{ 5, 0, VEC_UD },
		{ 7, 0, VEC_UD },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		guest_setup(state);
		assert_int_equal(write_cr(t[i].n, t[i].value), t[i].vector);
		if (t[i].vector == VEC_GP) {
			assert_int_equal(frame(0), 0);
			assert_int_equal(frame(1), AT_CODE);
			assert_int_equal(m.cpu.cr0, CR0_PE | CR0_ET | CR0_NE);
			assert_int_equal(m.cpu.cr4, 0);
		}
	}
	guest_setup(state);
	assert_int_equal(write_cr(0, CR0_PE | CR0_NE), HALTED);
	assert_true(m.cpu.cr0 & CR0_ET); /* stays set */
	assert_int_equal(write_cr(2, 0x12345678), HALTED);
	assert_int_equal(m.cpu.cr2, 0x12345678);
}

static void in_ring_3(void **state)
{
	static const struct {
		u8 code[3];
		int vector;
	} t[] = {
		{ { 0x0f, 0x20, 0xc0 }, VEC_GP },
		{ { 0x0f, 0x22, 0xd8 }, VEC_GP },
		{ { 0x0f, 0x20, 0xc8 }, VEC_UD }, /* CR1 does not exist for anybody */
		{ { 0x0f, 0x06 }, VEC_GP },
		{ { 0x0f, 0x01, 0xf0 }, VEC_GP }, /* clts, lmsw */
		{ { 0x0f, 0x08 }, VEC_GP },
		{ { 0x0f, 0x32 }, VEC_GP }, /* invd, rdmsr */
		{ { 0xf4 }, VEC_GP },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		guest_setup(state);
		set_ring(3);
		set_code(AT_CODE, t[i].code, 3);
		assert_int_equal(guest_run(), t[i].vector);
		assert_int_equal(frame(t[i].vector == VEC_GP), AT_CODE);
	}
}

/* LMSW sets PE, MP, EM and TS, and cannot clear PE; SMSW shows them to anybody. */
static void machine_status_word(void **state)
{
	(void)state;
	CODE(AT_CODE, 0x0f, 0x01, 0xf0, 0x0f, 0x01, 0xe1, HLT); /* lmsw ax; smsw ecx */
	m.cpu.gpr[REG_EAX] = 0xfffa;
	assert_int_equal(guest_run(), HALTED);
	assert_int_equal(m.cpu.cr0, CR0_PE | CR0_ET | CR0_NE | CR0_MP | CR0_TS);
	assert_int_equal(m.cpu.gpr[REG_ECX], m.cpu.cr0);
	CODE(AT_CODE, 0x0f, 0x06, HLT); /* clts */
	m.cpu.eip = AT_CODE;
	assert_int_equal(guest_run(), HALTED);
	assert_false(m.cpu.cr0 & CR0_TS);
	set_ring(3);
	CODE(AT_CODE, 0x0f, 0x01, 0xe1, INT_END);
	assert_int_equal(guest_run(), VEC_END);
	assert_int_equal(m.cpu.gpr[REG_ECX], m.cpu.cr0);
}

/* PAE: the four pointers are read when CR3 is loaded, and reserved bits refuse the load. */
static void page_directory_pointers(void **state)
{
	static const u32 bad[] = { BIT(1), BIT(2), BIT(5), BIT(6), BIT(7), BIT(8) };

	for (unsigned i = 0; i <= ARRAY_SIZE(bad); i++) {
		guest_setup(state);
		/* One 2 MiB page at 0. */
		memset(m.ram + TABLES, 0, 0x2000);
		put(TABLES, (TABLES + 0x1000) | 1, 4);
		put(TABLES + 0x1000, 0x87, 4);
		m.cpu.cr4 = CR4_PAE;
		m.cpu.cr3 = TABLES;
		assert_int_equal(write_cr(0, m.cpu.cr0 | CR0_PG), HALTED);
		/* A pointer that changes in memory is not looked at until then. */
		put(TABLES, 0, 4);
		m.cpu.eip = AT_CODE + 3;
		assert_int_equal(guest_run(), HALTED);
		put(TABLES, (TABLES + 0x1000) | 1, 4);
		put(TABLES + 24, i ? bad[i - 1] | 1 : bad[0], 4); /* absent: bits are ignored */
		assert_int_equal(write_cr(3, TABLES), i ? VEC_GP : HALTED);
		assert_int_equal(m.cpu.pdpte[3], i ? 0 : bad[0]);
	}
}

static const char *cpu_vendor;

static void told_vendor(struct cpu *cpu, u32 leaf, u32 subleaf, u32 out[4])
{
	(void)cpu;
	__cpuid_count(leaf, subleaf, out[0], out[1], out[2], out[3]);
	if (leaf == 0)
		memcpy(&out[1], cpu_vendor, 4);
}

/* Model-specific registers that systems touch without asking: there for the processor that CPUID
 * tells, #GP for another. */
static void model_specific(void **state)
{
	enum { NONE = 0, AMD = 1, INTEL = 2, WRITE = 4, KEEP = 8 };
	static const struct {
		u32 index;
		u8 what;
		u64 value;
	} t[] = {
		{ 0x8b, AMD | INTEL | WRITE, 0 },
		{ 0x17, INTEL, 0 },
		{ 0x2a, INTEL | WRITE, 0 },
		{ 0x2c, INTEL | WRITE, 1 << 24 },
		{ 0x3a, INTEL, 1 },
		{ 0x79, INTEL | WRITE, 0 },
		{ 0xcd, INTEL, 3 },
		{ 0x1d9, AMD | INTEL | WRITE, 0 },
		{ 0x1db, AMD | INTEL, 0 },
		{ 0x1de, AMD | INTEL, 0 },
		{ 0x1df, NONE, 0 },
		{ 0xc0010000, AMD | WRITE, 0 },
		{ 0xc0010008, NONE, 0 },
		{ 0xc0010010, AMD | WRITE | KEEP, 0 },
		{ 0xc0010015, AMD | WRITE | KEEP, 1 << 24 },
		{ 0xc001001a, AMD | WRITE, 0 },
		{ 0xc001001f, AMD | WRITE, 0 },
		{ 0xc0010055, AMD | WRITE, 0 },
		{ 0xc0010112, AMD | WRITE, 0 },
		{ 0xc0010114, AMD, 0x18 },
		{ 0xc0010140, AMD, 0 },
		{ 0xc0011029, AMD | WRITE, 0 },
		{ 0xc0011027, NONE, 0 },
		{ 0xc0000082, NONE, 0 },
		{ 0xdeadbeef, NONE, 0 },
	};
	static const char *const vendors[] = { "Auth", "Hygo", "Genu" };
	static struct cpu_env env; /* the next test still finds it */

	(void)state;
	env = *m.cpu.env;
	env.cpuid = told_vendor;
	m.cpu.env = &env;
	for (unsigned i = 0; i < ARRAY_SIZE(t) * ARRAY_SIZE(vendors); i++) {
		unsigned n = i / ARRAY_SIZE(vendors), who = i % ARRAY_SIZE(vendors);
		bool there = t[n].what & (who == 2 ? INTEL : AMD);
		u64 value = 0x1111;

		cpu_vendor = vendors[who];
		assert_int_equal(cpu_read_msr(&m.cpu, t[n].index, &value),
				 there ? CPU_NEXT : CPU_FAULT);
		assert_true(value == (there ? t[n].value : 0x1111));
		assert_int_equal(cpu_write_msr(&m.cpu, t[n].index, 0x123456789abcdeull),
				 there && t[n].what & WRITE ? CPU_NEXT : CPU_FAULT);
		if (!there)
			continue;
		assert_int_equal(cpu_read_msr(&m.cpu, t[n].index, &value), CPU_NEXT);
		assert_true(value == (t[n].what & KEEP ? 0x123456789abcdeull : t[n].value));
		m.cpu.env = &env;
		cpu_reset(&m.cpu);
	}
	/* Features, as CPUID tells them. */
	u32 id[4];
	u64 value;

	cpu_vendor = "Auth";
	told_vendor(&m.cpu, 0x80000001, 0, id);
	assert_int_equal(cpu_read_msr(&m.cpu, 0xc0011005, &value), CPU_NEXT);
	assert_true(value == ((u64)id[2] << 32 | id[3]));
}

/* SDM 3A 11.11.2: which values each MTRR takes. */
static void memory_types(void **state)
{
	enum { TYPES = 1, BASE, MASK, DEFAULT };
	static const struct {
		u32 first, last;
		u8 kind;
	} regs[] = {
		{ 0x250, 0x250, TYPES }, { 0x258, 0x259, TYPES },   { 0x268, 0x26f, TYPES },
		{ 0x200, 0x20e, BASE },	 { 0x2ff, 0x2ff, DEFAULT }, { 0x201, 0x20f, MASK },
	};
	static const struct {
		u8 kind;
		bool good;
		u64 value;
	} t[] = {
		{ TYPES, true, 0x0605040100060606 },
		{ TYPES, false, 0x0605040100060206 },
		{ TYPES, false, 0x0306060606060606 },
		{ TYPES, false, 0x0606060706060606 },
		{ BASE, true, 0xffffff006 },
		{ BASE, true, 0x80000000 },
		{ BASE, false, 0x80000002 },
		{ BASE, false, 0x80000100 },
		{ BASE, false, 0x80000806 },
		{ BASE, false, BIT64(36) },
		{ MASK, true, 0xffffff800 },
		{ MASK, true, 0xf80000000 },
		{ MASK, false, 0xf80000801 },
		{ MASK, false, 0xf80000400 },
		{ MASK, false, BIT64(63) | 0x800 },
		{ DEFAULT, true, 0xc06 },
		{ DEFAULT, true, 0x800 },
		{ DEFAULT, false, 0xc07 },
		{ DEFAULT, false, 0xd00 },
		{ DEFAULT, false, 0x1c06 },
		{ DEFAULT, false, BIT64(32) | 0xc06 },
	};
	u64 value;

	(void)state;
	assert_int_equal(cpu_read_msr(&m.cpu, MSR_MTRR_CAP, &value), CPU_NEXT);
	assert_int_equal(value, 0x508);
	assert_int_equal(cpu_write_msr(&m.cpu, MSR_MTRR_CAP, value), CPU_FAULT);
	assert_int_equal(m.cpu.fault.vector, VEC_GP);
	for (unsigned r = 0; r < ARRAY_SIZE(regs); r++) {
		u32 step = regs[r].kind == BASE || regs[r].kind == MASK ? 2 : 1;

		for (u32 index = regs[r].first; index <= regs[r].last; index += step) {
			u64 is = 0;

			for (unsigned n = 0; n < ARRAY_SIZE(t); n++) {
				if (t[n].kind != regs[r].kind)
					continue;
				assert_int_equal(cpu_write_msr(&m.cpu, index, t[n].value),
						 t[n].good ? CPU_NEXT : CPU_FAULT);
				is = t[n].good ? t[n].value : is;
				assert_int_equal(cpu_read_msr(&m.cpu, index, &value), CPU_NEXT);
				assert_true(value == is);
			}
		}
	}
	static const u32 none[] = { 0x1ff, 0x210, 0x251, 0x257, 0x25a, 0x267, 0x270, 0x2fe };

	for (unsigned n = 0; n < ARRAY_SIZE(none); n++)
		assert_int_equal(cpu_read_msr(&m.cpu, none[n], &value), CPU_FAULT);
	cpu_init(&m.cpu);
	assert_int_equal(cpu_read_msr(&m.cpu, 0x20f, &value), CPU_NEXT);
	assert_true(value == 0xf80000000);
	cpu_reset(&m.cpu);
	assert_int_equal(cpu_read_msr(&m.cpu, 0x20f, &value), CPU_NEXT);
	assert_true(value == 0);
}

/* SDM 3A 9.1.1: what INIT keeps, and what it does not. */
static void init_pin(void **state)
{
	static u8 image[sizeof(m.cpu.fpu.image)];

	(void)state;
	m.cpu.cr0 = CR0_PE | CR0_PG | CR0_ET | CR0_WP | CR0_CD;
	m.cpu.cr3 = 0x5000;
	m.cpu.cr4 = CR4_PSE;
	m.cpu.cpl = 3;
	m.cpu.halted = m.cpu.nmi_blocked = true;
	m.cpu.dr[7] = 0x401;
	m.cpu.xcr0 = 7;
	m.cpu.events = CPU_EVENT_INTR;
	m.cpu.msr.sysenter_eip = 0x1234;
	m.cpu.msr.efer = EFER_NXE;
	m.cpu.msr.tsc_offset = 77;
	memset(m.cpu.fpu.image, 0x5a, sizeof(image));
	memcpy(image, m.cpu.fpu.image, sizeof(image));
	cpu_init(&m.cpu);
	assert_int_equal(m.cpu.seg[SEG_CS].base + m.cpu.eip, 0xfffffff0);
	assert_int_equal(m.cpu.cr0, CR0_ET | CR0_CD);
	assert_int_equal(m.cpu.cr3 | m.cpu.cr4 | m.cpu.cpl, 0);
	assert_false(m.cpu.halted || m.cpu.nmi_blocked);
	assert_int_equal(m.cpu.dr[7], 0x400);
	assert_true(m.cpu.xcr0 == 7 && m.cpu.msr.tsc_offset == 77);
	assert_true(m.cpu.msr.sysenter_eip == 0x1234 && m.cpu.msr.efer == 0);
	assert_int_equal(m.cpu.events, CPU_EVENT_INTR);
	assert_memory_equal(image, m.cpu.fpu.image, sizeof(image));
	cpu_reset(&m.cpu);
	assert_int_equal(m.cpu.cr0, CR0_ET | CR0_CD | CR0_NW);
	assert_int_equal(m.cpu.events, 0);
	assert_true(m.cpu.xcr0 == 1 && m.cpu.msr.sysenter_eip == 0);
}

static const struct CMUnitTest control[] = {
	GUEST_TEST(combinations),	 GUEST_TEST(in_ring_3),
	GUEST_TEST(machine_status_word), GUEST_TEST(page_directory_pointers),
	GUEST_TEST(model_specific),	 GUEST_TEST(init_pin),
	GUEST_TEST(memory_types),
};
GUEST_MAIN(control)
