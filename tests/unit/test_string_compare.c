/* SPDX-License-Identifier: MIT */
/*
 * REP CMPS and REP SCAS, which C looks at eight bytes at a time, beside a model that looks at one
 * element after the other: random memory of few different bytes, all sizes, both prefixes, across
 * the end of a page. Alone: make build/unit/test_string_compare && build/unit/test_string_compare
 */
#include "tests/unit/compare_flags.h"
#include "tests/unit/guest_fixture.h"
#include "tests/unit/random.h"

#define ROUNDS 20000u
#define LEFT   0x10000u
#define RIGHT  0x12000u
#define BYTES  0x1100u

/* Mostly alike, so that it takes long to an end. */
static void fill(u32 at, u32 ordinary)
{
	for (u32 i = 0; i < BYTES; i++)
		put(at + i, one_in(64) ? (u32)rnd() & 0xff : ordinary >> 8 * (i & 3), 1);
}

static void one_case(void)
{
	static const u8 sizes[] = { 1, 2, 4 };
	struct insn in = { .op = one_in(2) ? OP_SCAS : OP_CMPS,
			   .len = 2,
			   .osize = sizes[(u32)rnd() % 3],
			   .asize = 4,
			   .rep = one_in(2) ? 0xf2 : 0xf3,
			   .seg = SEG_DS };
	struct cpu *c = &m.cpu;
	u32 si = LEFT + 0xf00 + ((u32)rnd() & 255), di = RIGHT + 0xf00 + ((u32)rnd() & 255);
	u32 count = (u32)rnd() & 63, flags = (u32)rnd() & FLAGS, a, b;

	c->gpr[REG_ESI] = si;
	c->gpr[REG_EDI] = di;
	c->gpr[REG_ECX] = count;
	c->gpr[REG_EAX] = one_in(2) ? get(RIGHT + ((u32)rnd() & 0xfff), 4) : (u32)rnd();
	cpu_set_eflags(c, flags);
	while (count) {
		a = in.op == OP_SCAS ? c->gpr[REG_EAX] : get(si, in.osize);
		b = get(di, in.osize);
		if (in.op == OP_SCAS && in.osize < 4)
			a &= (1u << in.osize * 8) - 1;
		else if (in.op == OP_CMPS)
			si += in.osize;
		di += in.osize;
		count--;
		flags = flags_of(a, b, in.osize);
		if ((a == b) != (in.rep == 0xf3))
			break;
	}
	assert_int_equal(cpu_hard_exec(c, &in), CPU_NEXT);
	assert_int_equal(c->gpr[REG_ECX], count);
	assert_int_equal(c->gpr[REG_EDI], di);
	assert_int_equal(c->gpr[REG_ESI], si);
	assert_int_equal(c->eflags & FLAGS, flags);
}

static void test_model(void **state)
{
	(void)state;
	random_state = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i % 100 == 0) {
			u32 ordinary = one_in(2) ? (u32)rnd() : 0;

			fill(LEFT, ordinary);
			fill(RIGHT, one_in(4) ? (u32)rnd() : ordinary);
		}
		one_case();
	}
}

int main(void)
{
	const struct CMUnitTest string_compare[] = { GUEST_TEST(test_model) };

	return cmocka_run_group_tests(string_compare, guest_create, guest_destroy);
}
