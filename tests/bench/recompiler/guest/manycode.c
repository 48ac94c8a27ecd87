/* SPDX-License-Identifier: MIT */
/*
 * Much code that runs once: 1,024 functions that differ in their constants, so that the compiler
 * keeps each. What a cold run takes above a warm one is translation.
 */
#include "guest.h"

static u32 cell[4096];

#define FUNCTION(n)                                                               \
	static NOINLINE u32 f##n(u32 a, u32 b, u32 *p)                            \
	{                                                                         \
		u32 x = a * (0x##n * 2 + 3) + b, y = b ^ (x >> (0x##n % 13 + 1)); \
                                                                                  \
		p[0x##n] += x;                                                    \
		if (x & 0x##n)                                                    \
			y += p[0x##n / 2] + 0x##n;                                \
		else                                                              \
			y -= p[1] << (0x##n % 7);                                 \
		for (u32 i = 0; i < (p[3] & (0x##n % 3)); i++)                    \
			p[i] = (u8)y + (u16)x;                                    \
		p[2] = y > x ? y - x : 0x##n;                                     \
		return x + y;                                                     \
	}
#define CALL(n) x = f##n(x, y, cell), y += x;
#define F16(m, n)                                                                               \
	m(n##0) m(n##1) m(n##2) m(n##3) m(n##4) m(n##5) m(n##6) m(n##7) m(n##8) m(n##9) m(n##a) \
		m(n##b) m(n##c) m(n##d) m(n##e) m(n##f)
#define F256(m, n)   \
	F16(m, n##0) \
	F16(m, n##1) \
	F16(m, n##2) \
	F16(m, n##3) \
	F16(m, n##4) \
	F16(m, n##5) \
	F16(m, n##6) \
	F16(m, n##7) \
	F16(m, n##8) \
	F16(m, n##9) F16(m, n##a) F16(m, n##b) F16(m, n##c) F16(m, n##d) F16(m, n##e) F16(m, n##f)

F256(FUNCTION, 0)
F256(FUNCTION, 1)
F256(FUNCTION, 2)
F256(FUNCTION, 3)

u32 bench(void)
{
	u32 x = 1, y = 2;

	for (u32 i = 0; i < 4096; i++)
		cell[i] = 0; /* a second run takes the same paths */
	F256(CALL, 0)
	F256(CALL, 1)
	F256(CALL, 2)
	F256(CALL, 3)
	return x;
}
