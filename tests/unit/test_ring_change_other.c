/* SPDX-License-Identifier: MIT */
/*
 * The short changes of ring from and to V86 mode, by gates, frames and stacks of 16 bits, and with
 * an LDT (emu/cpu/ring_change_other.c) beside the long ones: random states and tables of such
 * programs, gone over until the ways are known, and then changed in up to two places. What the
 * short way does and, after the TLB has forgotten everything, the long one must be the same
 * registers, memory and fault. Alone: make build/unit/test_ring_change_other &&
 * build/unit/test_ring_change_other
 */
#include "tests/unit/ring_states.h"

#define ROUNDS 20000u

static struct insn iret = { .op = OP_IRET, .len = 1, .asize = 4 };

static enum cpu_result deliver(void)
{
	unsigned r = m.cpu.gpr[REG_EDI];

	return cpu_deliver(&m.cpu, r & 8 ? VECTOR : VEC_GP, some_event(r), r & 4, r >> 8);
}

static enum cpu_result go_back(void)
{
	return cpu_hard_exec(&m.cpu, &iret);
}

/* 16 bits of flags cannot lead to V86 mode. */
static bool goes_back(void)
{
	iret.osize = gate32 ? 4 : 2;
	return !v86 || gate32;
}

/* There and back until the TLB is filled and the ways are known. */
static void learn(void)
{
	struct cpu *c = &m.cpu;
	struct cpu start = *c;

	for (unsigned i = 0; i < 3; i++) {
		u8 vector = i == 2 ? VEC_GP : VECTOR;

		assert_int_equal(cpu_deliver(c, vector, EVENT_EXTERNAL, false, 0), CPU_JUMP);
		assert_int_equal(c->eip, AT_TARGET);
		if (goes_back()) {
			assert_int_equal(go_back(), CPU_JUMP);
			continue;
		}
		memcpy(c->gpr, start.gpr, sizeof(c->gpr));
		memcpy(c->seg, start.seg, sizeof(c->seg));
		c->eip = start.eip;
		c->cpl = 3;
		cpu_set_eflags(c, cpu_eflags(&start));
	}
	assert_int_equal(c->way_other[VECTOR % CPU_WAYS_IN].moves, c->table_moves);
	assert_int_equal(c->way_other[VECTOR % CPU_WAYS_IN].vector, VECTOR);
}

static void test_in(void **state)
{
	random_state = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		some_kind(i);
		usual();
		learn();
		m.cpu.gpr[REG_EDI] = (u32)rnd();
		for (unsigned n = (u32)rnd() % 3; n--;)
			change();
		compare_ways(deliver);
		guest_setup(state);
	}
}

static void test_out(void **state)
{
	random_state = 2;
	for (unsigned i = 0; i < ROUNDS; i++) {
		some_kind(i);
		usual();
		learn();
		assert_int_equal(cpu_deliver(&m.cpu, VECTOR, EVENT_EXTERNAL, false, 0), CPU_JUMP);
		iret.osize = gate32 ^ one_in(32) ? 4 : 2;
		if (one_in(3))
			flip(frame_at(), gate32 ? 36 : 18);
		for (unsigned n = (u32)rnd() % 3; n--;)
			change();
		compare_ways(go_back);
		guest_setup(state);
	}
}

/* IRET of a program in its own segments, as a client of DPMI ends its handlers. */
static void test_same_level(void **state)
{
	unsigned gone = 0;

	random_state = 3;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct cpu *c = &m.cpu;
		unsigned size = i & 2 ? 4 : 2;
		u16 word;

		some_kind(i & ~1u);
		usual();
		learn();
		put(frame_at(), 0x700, size);
		put(frame_at() + size, code_u, size);
		put(frame_at() + 2 * size, (u32)rnd() & 0x3f7fd7, size);
		iret.osize = (u8)size;
		assert_int_equal(cpu_lin_read(c, frame_at(), &word, 2, ACCESS_USER), CPU_NEXT);
		if (one_in(3)) {
			flip(frame_at(), 3 * size);
		} else {
			struct cpu start = *c;

			gone += ring_change_other_out(c, size);
			*c = start;
		}
		for (unsigned n = (u32)rnd() % 3; n--;)
			change();
		compare_ways(go_back);
		guest_setup(state);
	}
	assert_in_range(gone, ROUNDS / 4, ROUNDS);
}

/* A data breakpoint on the stack is met by what the processor pushes. */
static void test_watched(void **state)
{
	struct cpu *c = &m.cpu;

	(void)state;
	some_kind(3 | 4 | 16);
	usual();
	learn();
	c->dr[0] = STACK_TSS - 8;
	c->dr[7] = 0x403 | 1u << 16 | 3u << 18;
	cpu_debug_changed(c);
	assert_int_equal(cpu_deliver(c, VECTOR, EVENT_EXTERNAL, false, 0), CPU_JUMP);
	assert_int_equal(c->debug_hits, 1);
}

int main(void)
{
	const struct CMUnitTest ring_change_other[] = {
		GUEST_TEST(test_in),
		GUEST_TEST(test_out),
		GUEST_TEST(test_same_level),
		GUEST_TEST(test_watched),
	};

	return cmocka_run_group_tests(ring_change_other, guest_create, guest_destroy);
}
