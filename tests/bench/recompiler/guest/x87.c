/* SPDX-License-Identifier: MIT */
/* Product of two 48 by 48 matrices of doubles on the x87. Compiled with -mfpmath=387. */
#include "guest.h"

#define N 48

static double a[N][N], b[N][N], c[N][N];

u32 bench(void)
{
	u32 sum = 0;

	for (u32 i = 0; i < N; i++) {
		for (u32 j = 0; j < N; j++) {
			a[i][j] = (double)(i + 1) / (double)(j + 1);
			b[i][j] = (double)(i * j % 7) - 3.0;
		}
	}
	for (u32 round = 0; round < 100; round++) {
		for (u32 i = 0; i < N; i++) {
			for (u32 j = 0; j < N; j++) {
				double s = 0;

				for (u32 k = 0; k < N; k++)
					s += a[i][k] * b[k][j];
				c[i][j] = s;
			}
		}
	}
	for (u32 i = 0; i < N; i++)
		sum += (u32)(s32)(c[i][N - 1 - i] * 1000.0);
	return sum;
}
