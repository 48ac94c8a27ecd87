/* SPDX-License-Identifier: MIT */
/* 64-bit arithmetic in register pairs: ADC, SBB, SHLD, 32 by 32 to 64 bit products. */
#include "guest.h"

u32 bench(void)
{
	u64 x = 0x123456789abcdefull, sum = 0;

	for (u32 i = 0; i < 8000000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		sum += x * 0x9e3779b97f4a7c15ull;
		sum -= i;
	}
	return (u32)(sum ^ sum >> 32);
}
