/* SPDX-License-Identifier: MIT */
/*
 * Starts the program again with AVX off in the C library, and reads and writes the upper halves.
 */
#include "tests/host/upper.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TUNABLES "GLIBC_TUNABLES"
#define NO_AVX	 "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-AVX_Fast_Unaligned_Load"

bool upper_exist(void)
{
	return __builtin_cpu_supports("avx");
}

#define LOAD(n)	 "vinsertf128 $1, " #n "*16(%0), %%ymm" #n ", %%ymm" #n "\n"
#define STORE(n) "vextractf128 $1, %%ymm" #n ", " #n "*16(%0)\n"

void upper_load(const u8 *halves)
{
	if (upper_exist())
		__asm__ volatile(LOAD(0) LOAD(1) LOAD(2) LOAD(3) LOAD(4) LOAD(5) LOAD(6) LOAD(7)
				 :
				 : "r"(halves)
				 : "memory");
}

void upper_store(u8 *halves)
{
	memset(halves, 0, UPPER_SIZE);
	if (upper_exist())
		__asm__ volatile(STORE(0) STORE(1) STORE(2) STORE(3) STORE(4) STORE(5) STORE(6)
					 STORE(7)
				 :
				 : "r"(halves)
				 : "memory");
}

/* What the C library would use AVX for. */
static bool kept(void)
{
	static u8 from[0x4000], to[0x4000];
	u8 in[UPPER_SIZE], out[UPPER_SIZE];
	void *(*volatile copy)(void *, const void *, size_t) = memcpy;
	void *(*volatile set)(void *, int, size_t) = memset;
	int (*volatile compare)(const void *, const void *, size_t) = memcmp;

	for (unsigned i = 0; i < UPPER_SIZE; i++)
		in[i] = (u8)(i * 7 + 1);
	upper_load(in);
	for (unsigned n = 1; n < sizeof(from); n += n / 2 + 1) {
		set(from, 1, n);
		copy(to, from, n);
		if (compare(from, to, n))
			return false;
	}
	upper_store(out);
	for (unsigned i = 0; i < UPPER_SIZE; i++)
		if (in[i] != out[i])
			return false;
	return true;
}

bool upper_keep(char **argv)
{
	if (!upper_exist() || kept())
		return true;
	if (getenv(TUNABLES) && !strcmp(getenv(TUNABLES), NO_AVX))
		return false;
	setenv(TUNABLES, NO_AVX, 1);
	execv("/proc/self/exe", argv);
	return false;
}
