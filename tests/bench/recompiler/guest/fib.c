/* SPDX-License-Identifier: MIT */
/* fib(31), doubly recursive: calls and returns, several callers of one function. */
#include "guest.h"

static NOINLINE u32 fib(u32 n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

u32 bench(void)
{
	u32 sum = 0;

	for (volatile u32 i = 0; i < 3; i++)
		sum += fib(31);
	return sum;
}
