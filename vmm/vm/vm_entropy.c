/* SPDX-License-Identifier: MIT */
/*
 * One generator for all VMs, seeded when the first one asks and after each RESEED bytes. What one
 * VM gets tells nothing about what others got. All run on one processor, and a turn is never
 * interrupted by another one: no lock is needed.
 */
#include "vmm/vm/vm_entropy.h"

#include "arch/cpu/entropy.h"
#include "kernel/base/string.h"
#include "kernel/lib/drbg.h"

#define RESEED (1024u * 1024u)

void vm_entropy(u8 *bytes, u32 n)
{
	static struct drbg generator;
	static u32 left;

	if (left < n) {
		u8 seed[ENTROPY_SEED];

		entropy_gather(seed);
		drbg_seed(&generator, seed, sizeof(seed));
		memset(seed, 0, sizeof(seed));
		left = RESEED;
	}
	left -= n;
	drbg_fill(&generator, bytes, n);
}
