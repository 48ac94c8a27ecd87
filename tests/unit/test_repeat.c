/* SPDX-License-Identifier: MIT */
/*
 * REP MOVS, STOS, CMPS and SCAS of real mode in translated code (emu/trans/trans_repeat.c), beside
 * a model that takes one element after the other: both prefixes, all sizes, both directions, around
 * the ends of a segment, with counts of 0 and more, with something in the upper halves of
 * registers, and copies within a segment. Alone: make build/unit/test_repeat &&
 * build/unit/test_repeat
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
	bool stores, within; /* within: ES is DS */
};

static u8 expected[0x10000]; /* of ES */

static u32 write_code(const struct op *op)
{
	u32 n = 0;
	u8 code[8];

	if (op->fs)
		code[n++] = 0x64;
	if (op->size == 4)
		code[n++] = 0x66;
	code[n++] = op->rep;
	code[n++] = (u8)((op->both ? 0xa6 : 0xae) -
			 (!op->stores ? 0
			  : op->both  ? 2
				      : 4) +
			 (op->size > 1));
	code[n++] = 0xf4; /* hlt */
	set_code(AT_CODE, code, n);
	return n;
}

static void real_mode(bool within)
{
	struct cpu *c = &m.cpu;

	c->cr0 &= ~CR0_PE;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		c->seg[s] = (struct cpu_segment){ .attr = 0x93, .limit = 0xffff };
	c->seg[SEG_DS].base = c->seg[SEG_FS].base = LEFT;
	c->seg[SEG_ES].base = within ? LEFT : RIGHT;
	c->seg[SEG_DS].sel = c->seg[SEG_FS].sel = LEFT >> 4;
	c->seg[SEG_ES].sel = (u16)(c->seg[SEG_ES].base >> 4);
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

static u32 element(const u8 *p, unsigned size)
{
	u32 v = 0;

	memcpy(&v, p, size);
	return v;
}

static struct end model_of_stores(const struct op *op, struct end s, u32 eax)
{
	u32 step = op->back ? 0u - op->size : op->size;

	memcpy(expected, m.ram + (op->within ? LEFT : RIGHT), sizeof(expected));
	for (; s.count; s.count--) {
		const u8 *from = op->within ? expected + s.si : m.ram + LEFT + s.si;
		u32 v = op->both ? element(from, op->size) : eax;

		memcpy(expected + s.di, &v, op->size);
		if (op->both)
			s.si = (s.si + step) & 0xffff;
		s.di = (s.di + step) & 0xffff;
	}
	return s;
}

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
	struct end s = { offset(op->size), offset(op->size), one_in(8) ? 0 : (u32)rnd() % 200, 0 };

	real_mode(op->within);
	if (one_in(4) && (!op->stores || one_in(16)))
		s.count = 0xffff;
	if (op->within && one_in(2))
		s.di = (s.si + op->size * ((u32)rnd() % 5 - 2)) & 0xffff;
	c->gpr[REG_ESI] = high << 16 | s.si;
	c->gpr[REG_EDI] = high << 16 | s.di;
	c->gpr[REG_ECX] = high << 16 | s.count;
	c->gpr[REG_EAX] = one_in(2) ? 0x01010101 * ((u32)rnd() & 3) : (u32)rnd();
	cpu_set_eflags(c, random_flags(op->back));
	s.flags = c->eflags & FLAGS;
	s = op->stores ? model_of_stores(op, s, c->gpr[REG_EAX]) : model(op, s, c->gpr[REG_EAX]);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	c->halted = false;
	assert_int_equal(c->eip, AT_CODE + length);
	assert_int_equal(c->gpr[REG_ECX], high << 16 | s.count);
	assert_int_equal(c->gpr[REG_EDI], high << 16 | s.di);
	assert_int_equal(c->gpr[REG_ESI], high << 16 | s.si);
	assert_int_equal(cpu_eflags(c) & FLAGS, s.flags);
	assert_int_equal(!!(cpu_eflags(c) & EFLAGS_DF), op->back);
	if (op->stores)
		assert_memory_equal(expected, m.ram + c->seg[SEG_ES].base, sizeof(expected));
}

static void test_model(void **state)
{
	static const u8 sizes[] = { 1, 2, 4 };

	(void)state;
	random_state = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct op op = { one_in(2),
				 one_in(8),
				 one_in(4),
				 one_in(2) ? 0xf2 : 0xf3,
				 sizes[(u32)rnd() % 3],
				 one_in(2),
				 false };
		u32 length;

		if (op.stores) {
			op.rep = 0xf3;
			op.within = op.both && one_in(3);
		}

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
	real_mode(false);
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

/* A few elements are copied without C, many by C. */
static u64 calls_for_copy(u32 count)
{
	const struct op op = { .both = true, .rep = 0xf3, .size = 2, .stores = true };
	struct cpu *c = &m.cpu;
	u64 before = calls_of_c();

	write_code(&op);
	real_mode(false);
	c->gpr[REG_ESI] = 0x100;
	c->gpr[REG_EDI] = 0x200;
	c->gpr[REG_ECX] = count;
	cpu_set_eflags(c, 0);
	assert_int_equal(machine_run(&m), RECOMP_HALT);
	c->halted = false;
	return calls_of_c() - before - 1; /* HLT */
}

static void test_short(void **state)
{
	(void)state;
	recomp_flush(m.cpu.recomp);
	assert_int_equal(calls_for_copy(20), 0);
	assert_int_equal(calls_for_copy(255), 0);
	assert_int_equal(calls_for_copy(256), 1);
	assert_int_equal(calls_for_copy(2000), 1);
	assert_int_equal(calls_for_copy(20), 0);
}

int main(void)
{
	const struct CMUnitTest repeat[] = { GUEST_TEST(test_model), GUEST_TEST(test_inline),
					     GUEST_TEST(test_short) };

	return cmocka_run_group_tests(repeat, guest_create, guest_destroy);
}
