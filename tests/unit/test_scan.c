/* SPDX-License-Identifier: MIT */
/*
 * REP CMPS and REP SCAS of real mode in translated code (emu/trans/trans_scan.c), beside a model
 * that looks at one element after the other: both prefixes, all sizes, both directions, around the
 * ends of a segment, with counts of 0 and more, with something in the upper halves of registers.
 * Alone: make build/unit/test_scan && build/unit/test_scan
 */
#include "tests/unit/compare_flags.h"
#include "tests/unit/guest_fixture.h"
#include "tests/unit/random.h"

#define ROUNDS 4000u
#define LEFT   0x20000u /* DS, and FS for a prefix */
#define RIGHT  0x40000u /* ES */

struct op {
	bool both, back, fs;
	u8 rep, size;
};

static u32 write_code(const struct op *op)
{
	u32 n = 0;
	u8 code[8];

	if (op->fs)
		code[n++] = 0x64;
	if (op->size == 4)
		code[n++] = 0x66;
	code[n++] = op->rep;
	code[n++] = (u8)((op->both ? 0xa6 : 0xae) + (op->size > 1));
	code[n++] = 0xf4; /* hlt */
	set_code(AT_CODE, code, n);
	return n;
}

static void real_mode(void)
{
	struct cpu *c = &m.cpu;

	c->cr0 &= ~CR0_PE;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		c->seg[s] = (struct cpu_segment){ .attr = 0x93, .limit = 0xffff };
	c->seg[SEG_DS].base = c->seg[SEG_FS].base = LEFT;
	c->seg[SEG_ES].base = RIGHT;
	c->seg[SEG_DS].sel = c->seg[SEG_FS].sel = LEFT >> 4;
	c->seg[SEG_ES].sel = RIGHT >> 4;
	c->eip = AT_CODE;
}

/* Around an end of the segment, or somewhere. No element lies across the end. */
static u32 offset(unsigned size)
{
	u32 at = one_in(2) ? (u32)rnd() : (u32)rnd() % 128 - 64;

	return at & 0xffff & ~(size - 1);
}

static u32 random_flags(bool back)
{
	return ((u32)rnd() & FLAGS) | (back ? EFLAGS_DF : 0);
}

static void scatter(u32 at, unsigned ordinary)
{
	for (u32 i = 0; i < 0x10000; i++)
		m.ram[at + i] = (u8)(one_in(40) ? (u32)rnd() & 3 : ordinary);
	machine_wrote(&m, at, 0x10000);
}

/* What it shall leave: SI, DI, CX, flags. */
struct end {
	u32 si, di, count, flags;
};

static struct end model(const struct op *op, struct end s, u32 eax)
{
	u32 step = op->back ? 0u - op->size : op->size;

	while (s.count) {
		u32 mask = op->size == 4 ? 0xffffffff : (1u << op->size * 8) - 1;
		u32 a = op->both ? get(LEFT + s.si, op->size) : eax & mask;
		u32 b = get(RIGHT + s.di, op->size);

		if (op->both)
			s.si = (s.si + step) & 0xffff;
		s.di = (s.di + step) & 0xffff;
		s.count--;
		s.flags = flags_of(a, b, op->size);
		if ((a == b) != (op->rep == 0xf3))
			break;
	}
	return s;
}

static void one_case(const struct op *op, u32 length, u32 high)
{
	struct cpu *c = &m.cpu;
	struct end s = { offset(op->size), offset(op->size), one_in(8) ? 0 : (u32)rnd() % 100, 0 };

	real_mode();
	if (one_in(4))
		s.count = 0xffff;
	c->gpr[REG_ESI] = high << 16 | s.si;
	c->gpr[REG_EDI] = high << 16 | s.di;
	c->gpr[REG_ECX] = high << 16 | s.count;
	c->gpr[REG_EAX] = one_in(2) ? 0x01010101 * ((u32)rnd() & 3) : (u32)rnd();
	cpu_set_eflags(c, random_flags(op->back));
	s.flags = c->eflags & FLAGS;
	s = model(op, s, c->gpr[REG_EAX]);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	c->halted = false;
	assert_int_equal(c->eip, AT_CODE + length);
	assert_int_equal(c->gpr[REG_ECX], high << 16 | s.count);
	assert_int_equal(c->gpr[REG_EDI], high << 16 | s.di);
	assert_int_equal(c->gpr[REG_ESI], high << 16 | s.si);
	assert_int_equal(cpu_eflags(c) & FLAGS, s.flags);
	assert_int_equal(!!(cpu_eflags(c) & EFLAGS_DF), op->back);
}

static void test_model(void **state)
{
	static const u8 sizes[] = { 1, 2, 4 };

	(void)state;
	random_state = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct op op = { one_in(2), one_in(8), one_in(4), one_in(2) ? 0xf2 : 0xf3,
				 sizes[(u32)rnd() % 3] };
		u32 length;

		if (i % 100 == 0) {
			scatter(LEFT, (u32)rnd() & 1);
			scatter(RIGHT, (u32)rnd() & 1);
		}
		length = write_code(&op);
		recomp_flush(m.cpu.recomp); /* and what was noted */
		for (unsigned n = 0; n < 4; n++)
			one_case(&op, length, one_in(8) ? (u32)rnd() & 0xffff : 0);
	}
}

static u64 calls_of_c(void)
{
	return recomp_stats(m.cpu.recomp)->hard_execs;
}

/* The end of a text is found without C. */
static void test_inline(void **state)
{
	const struct op op = { .rep = 0xf2, .size = 1 };
	struct cpu *c = &m.cpu;
	u64 before;

	(void)state;
	write_code(&op);
	recomp_flush(c->recomp);
	memset(m.ram + RIGHT + 0x100, 'x', 1000);
	m.ram[RIGHT + 0x100 + 1000] = 0;
	machine_wrote(&m, RIGHT, 0x1000);
	real_mode();
	c->gpr[REG_EDI] = 0x100;
	c->gpr[REG_ECX] = 0xffff;
	c->gpr[REG_EAX] = 0;
	cpu_set_eflags(c, 0);
	before = calls_of_c();
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	assert_int_equal(calls_of_c(), before + 1); /* HLT */
	assert_int_equal(c->gpr[REG_ECX], 0xffff - 1001);
	c->halted = false;
}

int main(void)
{
	const struct CMUnitTest scan[] = { GUEST_TEST(test_model), GUEST_TEST(test_inline) };

	return cmocka_run_group_tests(scan, guest_create, guest_destroy);
}
