/* SPDX-License-Identifier: MIT */
/* REP MOVS, STOS, SCAS and CMPS over short and long runs, and single LODS and STOS in a loop. */
#include "guest.h"

static u8 from[65536], to[65536];

static void copy(void *d, const void *s, u32 n)
{
	__asm__ volatile("rep movsl" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}

static void fill(void *d, u32 v, u32 n)
{
	__asm__ volatile("rep stosl" : "+D"(d), "+c"(n) : "a"(v) : "memory");
}

static u32 length(const u8 *s)
{
	u32 n = 0xffffffffu;

	__asm__ volatile("repne scasb" : "+D"(s), "+c"(n) : "a"(0) : "memory", "cc");
	return ~n - 1;
}

static u32 same(const u8 *a, const u8 *b, u32 n)
{
	__asm__ volatile("repe cmpsb" : "+S"(a), "+D"(b), "+c"(n) : : "memory", "cc");
	return n;
}

static void translate(u8 *d, const u8 *s, u32 n)
{
	__asm__ volatile("1: lodsb\n xorb $0x5a, %%al\n stosb\n loop 1b"
			 : "+D"(d), "+S"(s), "+c"(n)
			 :
			 : "eax", "memory", "cc");
}

u32 bench(void)
{
	u32 sum = 0;

	for (u32 i = 0; i < sizeof(from); i++)
		from[i] = (u8)(i % 251 + 1);
	from[3000] = 0;
	for (u32 round = 0; round < 1500; round++) {
		copy(to, from, 16384);
		fill(to + 4096, round, 2048);
		for (u32 i = 0; i < 64; i++)
			copy(to + i * 64, from + i * 32, 8);
		sum += length(from) + same(from, to, 2000);
		translate(to, from, 1000);
	}
	for (u32 i = 0; i < sizeof(to); i += 61)
		sum = sum * 31 + to[i];
	return sum;
}
