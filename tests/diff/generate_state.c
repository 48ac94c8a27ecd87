/* SPDX-License-Identifier: MIT */
/*
 * The state that a case begins with.
 */
#include "tests/diff/generate.h"

#include <string.h>

#include "emu/cpu/cpu.h"

static const u32 interesting[] = { 0,	   1,	    2,		0xffffffff, 0x80000000, 0x7fffffff,
				   0x8000, 0x7fff,  0xffff,	0x80,	    0x7f,	0xff,
				   0x100,  0x10000, 0xfffffffe, 0x55555555, 0xaaaaaaaa, 0x12345678,
				   31,	   32,	    33,		0xf0f0f0f0, 0x99,	0x9999 };

u32 generate_value(u64 *r)
{
	u32 v = rnd_below(r, 3) ? interesting[rnd_below(r, ARRAY_SIZE(interesting))]
				: (u32)(rnd(r) >> 16);

	return rnd_below(r, 4) ? v : v + rnd_below(r, 3) - 1;
}

void case_fpu_state(u64 *r, unsigned what, u8 *fx)
{
	memset(fx, 0, 512);
	fx[0] = 0x7f;
	fx[1] = (u8)(3 | rnd_below(r, 4) << 2);
	if (!rnd_below(r, 8))
		fx[0] = (u8)(0x40 | rnd_below(r, 64));
	fx[3] = (u8)(rnd_below(r, 8) << 3);
	fx[4] = rnd_below(r, 3) ? 0xff : (u8)rnd(r);
	if (what & GEN_MASKED)
		fx[0] = 0x7f;
	fx[24] = 0x80;
	fx[25] = (u8)(0x1f | rnd_below(r, 4) << 5);
	if (!rnd_below(r, 8))
		fx[25] &= (u8)(rnd(r) >> 8);
	if (what & GEN_MASKED)
		fx[25] |= 0x1f;
	for (unsigned i = 0; i < 8; i++) {
		u8 *st = fx + 32 + 16 * i;
		u64 man = rnd(r) | BIT64(63);
		u16 exp = (u16)(0x3ff0 + rnd_below(r, 32));

		if (!rnd_below(r, 4)) {
			static const u16 odd[] = { 0, 0x7fff, 1, 0x7ffe, 0x3fff, 0x403e };

			exp = odd[rnd_below(r, ARRAY_SIZE(odd))];
			man = exp && rnd_below(r, 2) ? BIT64(63) : exp ? man : 0;
		}
		exp = (u16)(exp | rnd_below(r, 2) << 15);
		memcpy(st, &man, 8);
		memcpy(st + 8, &exp, 2);
	}
	for (unsigned i = 0; i < 128; i += 4) {
		u32 v = rnd_below(r, 2) ? generate_value(r)
					: 0x3f800000 + (generate_value(r) & 0xfffff);

		memcpy(fx + 160 + i, &v, 4);
	}
}
