/* SPDX-License-Identifier: MIT */
/*
 * Both sources are mixed, so that the seed is no worse than the better of them. A processor without
 * RDSEED and RDRAND gives the low bits of its time stamp around cache and TLB misses, of which
 * JITTER samples are folded into each word: a real one has about a bit of chance in each sample.
 */
#include "arch/cpu/entropy.h"

#include "arch/cpu/processor.h"

#define TRIES	16u /* RDSEED may have nothing for a moment */
#define JITTER	64u
#define RDRAND	BIT(30) /* of CPUID 1, ECX */
#define RDSEED	BIT(18) /* of CPUID 7, EBX */
#define SCRATCH 4096u

static bool rdrand(u64 *v)
{
	bool good;

	__asm__ volatile("rdrand %0" : "=r"(*v), "=@ccc"(good));
	return good;
}

static bool rdseed(u64 *v)
{
	bool good;

	__asm__ volatile("rdseed %0" : "=r"(*v), "=@ccc"(good));
	return good;
}

static bool has(u32 leaf, unsigned reg, u32 bit)
{
	u32 id[4];

	cpu_id(0, 0, id);
	if (id[0] < leaf)
		return false;
	cpu_id(leaf, 0, id);
	return id[reg] & bit;
}

static u64 from_processor(void)
{
	bool seeds = has(7, 1, RDSEED), rands = has(1, 2, RDRAND);
	u64 v = 0;

	for (unsigned i = 0; i < TRIES; i++)
		if ((seeds && rdseed(&v)) || (rands && rdrand(&v)))
			return v;
	return 0;
}

static u64 from_time(void)
{
	static volatile u8 scratch[SCRATCH];
	u64 v = 0;

	for (unsigned i = 0; i < JITTER; i++) {
		u64 begin = rdtsc();

		scratch[(begin * 37 + v) % SCRATCH]++;
		invlpg((u64)&scratch[0]);
		v = (v << 7 | v >> 57) ^ rdtsc() ^ (rdtsc() - begin) << 32;
	}
	return v;
}

void entropy_gather(u8 seed[ENTROPY_SEED])
{
	for (unsigned i = 0; i < ENTROPY_SEED; i += 8) {
		u64 v = from_processor() ^ from_time();

		for (unsigned n = 0; n < 8; n++)
			seed[i + n] = (u8)(v >> 8 * n);
	}
}
