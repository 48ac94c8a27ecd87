/* SPDX-License-Identifier: MIT */
/* Primes below 200,000, a byte each: loads, stores and short loops. */
#include "guest.h"

#define LIMIT 200000

static u8 composite[LIMIT];

u32 bench(void)
{
	u32 count = 0;

	for (u32 round = 0; round < 40; round++) {
		count = 0;
		for (u32 i = 0; i < LIMIT; i++)
			composite[i] = 0;
		for (u32 i = 2; i < LIMIT; i++) {
			if (composite[i])
				continue;
			count++;
			for (u32 n = i + i; n < LIMIT; n += i)
				composite[n] = 1;
		}
	}
	return count;
}
