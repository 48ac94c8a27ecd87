/* SPDX-License-Identifier: MIT */
/* y = a * x + y and a sum, four floats at a time. */
#include "guest.h"

#define N 4096

typedef float v4 __attribute__((vector_size(16)));

static v4 x[N / 4], y[N / 4];

u32 bench(void)
{
	v4 a = { 0.5f, 0.25f, 0.125f, 0.0625f }, sum = { 0 };

	for (u32 i = 0; i < N / 4; i++)
		x[i] = (v4){ (float)i, (float)(i + 1), 2.0f, (float)(i & 15) };
	for (u32 round = 0; round < 20000; round++) {
		for (u32 i = 0; i < N / 4; i++)
			y[i] = a * x[i] + y[i] * 0.5f;
	}
	for (u32 i = 0; i < N / 4; i++)
		sum += y[i];
	return (u32)(s32)(sum[0] + sum[1] + sum[2] + sum[3]);
}
