/* SPDX-License-Identifier: MIT */
/*
 * Two processes compute in floating point at the same time, x87 (80 bits) and SSE2 in turns, and
 * give up the processor in the midst of it with values in every register. If anybody loses or mixes
 * state, a result differs. fp [ROUNDS] Checked: each result bit for bit against the same
 * computation made before the other process existed, and that one against pi as a constant.
 */
#include "nolibc.h"

#define PI 3.14159265358979323846

/* Whatever the compiler holds in x87 and SSE registers stays there while the other process runs. */
#define GIVE_WAY()                                                      \
	do {                                                            \
		u32 nr_ = SYS_SCHED_YIELD;                              \
		__asm__ volatile("int $0x80" : "+a"(nr_) : : "memory"); \
	} while (0)

typedef double v2d __attribute__((vector_size(16)));

/* pi by Machin: 16 atan(1/5) - 4 atan(1/239), with its values alive in x87 registers across the
 * yield. */
static long double __attribute__((noipa)) pi_x87(int give_way, long double scale)
{
	long double sum = 0, a = scale / 5, b = scale / 239, sign = 1;

	for (int k = 1; k < 60; k += 2) {
		sum += sign * (16 * a - 4 * b) / k;
		a /= 25;
		b /= 57121;
		sign = -sign;
		if (give_way && k % 16 == 1)
			GIVE_WAY();
	}
	return sum / scale;
}

/* The same in pairs: lane 0 and lane 1 sum different halves. Through a pointer: a double that is
 * returned has 80 bits here. */
static void __attribute__((noipa, target("sse2"))) pi_sse(int give_way, double scale, double *pi)
{
	v2d power = { scale / 5, scale / 239 }, sum = { 0, 0 };
	const v2d square = { 25, 57121 }, weight = { 16, -4 };
	double sign = 1;

	for (int k = 1; k < 40; k += 2) {
		v2d s = { sign, sign };

		sum += s * weight * power / (double)k;
		power /= square;
		sign = -sign;
		if (give_way && k % 8 == 1)
			GIVE_WAY();
	}
	*pi = (sum[0] + sum[1]) / scale;
}

static int close_to(double x, double y)
{
	return x - y < 1e-12 && y - x < 1e-12;
}

static void work(u32 rounds, long double scale, long double x87, double sse)
{
	for (u32 i = 0; i < rounds; i++) {
		double pi;

		if (pi_x87(1, scale) != x87)
			fail("x87 result in round", (s32)i);
		pi_sse(1, (double)scale, &pi);
		if (pi != sse)
			fail("SSE result in round", (s32)i);
	}
}

int main(int argc, char **argv, char **envp)
{
	static volatile long double scale[2] = { 3, 7 };
	u32 rounds = argument(argc, argv, 1, 2000);
	long double x87[2];
	double sse[2];
	s32 pid;

	(void)envp;
	for (int p = 0; p < 2; p++) {
		x87[p] = pi_x87(0, scale[p]);
		pi_sse(0, (double)scale[p], &sse[p]);
		CHECK(close_to((double)x87[p], PI) && close_to(sse[p], PI));
	}
	pid = call0(SYS_FORK);
	CHECK(pid >= 0);
	int me = pid == 0;

	work(rounds, scale[me], x87[me], sse[me]);
	if (me)
		return 0;
	CHECK(wait_for(pid) == 0);
	put("fp ok\n");
	return 0;
}
