/* SPDX-License-Identifier: MIT */
/*
 * Greedy: of each place the last one with the same hash is tried, and no other.
 */
#include "emu/snap/lz.h"

#include "kernel/base/string.h"

#define LITERALS_MAX 128u
#define HASH_SHIFT   20 /* 32 bits to an index of the table */

static u32 word(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static u32 hash(u32 v)
{
	return (v * 2654435761u) >> HASH_SHIFT;
}

static u8 *put_literals(u8 *out, const u8 *from, const u8 *to)
{
	while (from < to) {
		u32 n = MIN((u32)(to - from), LITERALS_MAX);

		*out++ = (u8)(n - 1);
		memcpy(out, from, n);
		out += n;
		from += n;
	}
	return out;
}

static u32 match_length(const u8 *a, const u8 *b, u32 most)
{
	u32 n = 0;

	while (n < most && a[n] == b[n])
		n++;
	return n;
}

u32 lz_pack(struct lz *z, const u8 *in, u32 n, u8 *out)
{
	const u8 *begin = out, *plain = in;
	u32 at = 0;

	memset(z, 0, sizeof(*z));
	while (at + LZ_MATCH_MIN <= n) {
		u16 *slot = &z->at[hash(word(in + at))];
		u32 before = *slot, length = 0;

		*slot = (u16)(at + 1);
		if (before)
			length = match_length(in + before - 1, in + at, MIN(n - at, LZ_MATCH_MAX));
		if (length < LZ_MATCH_MIN) {
			at++;
			continue;
		}
		out = put_literals(out, plain, in + at);
		*out++ = (u8)(0x80 + length - LZ_MATCH_MIN);
		*out++ = (u8)(at + 1 - before);
		*out++ = (u8)((at + 1 - before) >> 8);
		at += length;
		plain = in + at;
	}
	return (u32)(put_literals(out, plain, in + n) - begin);
}
