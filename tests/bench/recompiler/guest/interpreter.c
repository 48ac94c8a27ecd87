/* SPDX-License-Identifier: MIT */
/* A byte-code interpreter whose operations are called through a table: one indirect call in about
 * ten instructions. */
#include "guest.h"

struct state {
	u32 acc, x, counter;
	const u8 *pc;
};

static NOINLINE void op_add(struct state *s)
{
	s->acc += s->x;
}

static NOINLINE void op_xor(struct state *s)
{
	s->acc ^= s->x << 3;
}

static NOINLINE void op_load(struct state *s)
{
	s->x = *s->pc++;
}

static NOINLINE void op_rotate(struct state *s)
{
	s->acc = s->acc << 5 | s->acc >> 27;
}

static NOINLINE void op_loop(struct state *s)
{
	s->pc -= 12;
	s->counter--;
}

static void (*const operation[])(struct state *) = { op_add, op_xor, op_load, op_rotate, op_loop };

u32 bench(void)
{
	static const u8 program[] = { 2, 77, 0, 3, 1, 2, 19, 1, 3, 0, 3, 4 };
	struct state s = { .acc = 1, .counter = 1500000, .pc = program };

	while (s.counter)
		operation[*s.pc++](&s);
	return s.acc;
}
