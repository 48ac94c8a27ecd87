/* SPDX-License-Identifier: MIT */
/*
 * User code that makes no system call: integer arithmetic with unpredictable branches and calls,
 * x87 floating point, memory. loops [int|fp|mem [COUNT]]        without arguments: all three Each
 * prints a checksum too, which does not depend on the processor; the harness compares it with bare
 * metal's.
 */
#include "nolibc.h"

static u32 state = 1;

static u32 next(void)
{
	state = state * 1664525 + 1013904223;
	return state >> 8;
}

/* Returns the number of steps to 1: calls, divisions by shifts, a branch that no predictor learns.
 */
static u32 __attribute__((noinline)) collatz(u32 n)
{
	u32 steps = 0;

	for (; n > 1; steps++)
		n = n & 1 ? n + (n >> 1) + 1 : n >> 1;
	return steps;
}

static u32 integers(u32 count)
{
	u32 sum = 0;

	for (u32 i = 0; i < count; i++)
		sum = (sum << 5 | sum >> 27) ^ collatz(next() | 1);
	return sum;
}

/* Machin's series over and over, from a start that the compiler cannot see through. */
static u32 floats(u32 count)
{
	volatile double seed = 5;
	double sum = 0;

	for (u32 i = 0; i < count; i++) {
		double x = 1 / seed, power = x, pi4 = 0, sign = 4;

		for (u32 k = 1; k < 30; k += 2) {
			pi4 += sign * power / k;
			power *= x * x;
			sign = -sign;
		}
		sum += pi4;
	}
	sum /= count;
	return (u32)(sum * 1e9);
}

/* Copies forwards in steps that defeat one cache line, then adds up. */
static u32 memory(u32 count)
{
	static u32 block[64 * 1024];
	u32 sum = 0;

	for (u32 r = 0; r < count; r++) {
		for (u32 i = 0; i < ARRAY_SIZE(block); i++)
			block[(i * 17) % ARRAY_SIZE(block)] += i ^ r;
		for (u32 i = 0; i < ARRAY_SIZE(block); i++)
			sum = sum * 31 + block[i];
	}
	return sum;
}

static const struct {
	const char *name, *full;
	u32 (*run)(u32 count);
	u32 count;
} loop[] = {
	{ "int", "loops-int", integers, 200000 },
	{ "fp", "loops-fp", floats, 200000 },
	{ "mem", "loops-mem", memory, 100 },
};

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

int main(int argc, char **argv, char **envp)
{
	(void)envp;
	for (u32 i = 0; i < ARRAY_SIZE(loop); i++) {
		u32 count = argument(argc, argv, 2, loop[i].count), start, sum;

		if (argc > 1 && !same(argv[1], loop[i].name))
			continue;
		start = clock_us();
		sum = loop[i].run(count);
		report(loop[i].full, count, start);
		put("sum ");
		put(loop[i].full);
		put(" ");
		put_hex(sum);
		put("\n");
	}
	return 0;
}
