/* SPDX-License-Identifier: MIT */
/*
 * Control registers (SDM 3A 2.5, 4.4.1; SDM 2 MOV CR, LMSW, CLTS, SMSW): which writes are refused,
 * and what the others leave.
 */
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

static const struct CMUnitTest control[] = {
	GUEST_TEST(combinations),
	GUEST_TEST(in_ring_3),
	GUEST_TEST(machine_status_word),
	GUEST_TEST(page_directory_pointers),
};
GUEST_MAIN(control)
