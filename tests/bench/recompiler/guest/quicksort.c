/* SPDX-License-Identifier: MIT */
/* Quicksort through a comparison function that the compiler cannot see: indirect calls that return
 * at once. */
#include "guest.h"

#define COUNT 60000

static u32 value[COUNT];

static NOINLINE int compare(const u32 *a, const u32 *b)
{
	return *a < *b ? -1 : *a > *b;
}

static int (*volatile comparison)(const u32 *, const u32 *) = compare;

static void sort(u32 *v, s32 n, int (*cmp)(const u32 *, const u32 *))
{
	while (n > 1) {
		s32 i = 0, j = n - 1;
		u32 pivot = v[n / 2];

		for (;;) {
			while (cmp(&v[i], &pivot) < 0)
				i++;
			while (cmp(&v[j], &pivot) > 0)
				j--;
			if (i >= j)
				break;

			u32 swap = v[i];

			v[i++] = v[j];
			v[j--] = swap;
		}
		sort(v, i, cmp);
		v += i;
		n -= i;
	}
}

u32 bench(void)
{
	u32 sum = 0, x = 12345;

	for (u32 round = 0; round < 5; round++) {
		for (u32 i = 0; i < COUNT; i++)
			value[i] = x = x * 1103515245u + 12345u;
		sort(value, COUNT, comparison);
		for (u32 i = 0; i < COUNT; i += 997)
			sum = sum * 31 + value[i];
	}
	return sum;
}
