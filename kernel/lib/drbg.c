/* SPDX-License-Identifier: MIT */
/*
 * Every call begins a key of its own, so counter and nonce begin at zero each time.
 */
#include "kernel/lib/drbg.h"

#include "kernel/base/string.h"

#define BLOCK 64u

static u32 rotate(u32 v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void quarter(u32 s[16], unsigned a, unsigned b, unsigned c, unsigned d)
{
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b];
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

static void two_rounds(u32 s[16])
{
	for (unsigned i = 0; i < 4; i++)
		quarter(s, i, i + 4, i + 8, i + 12);
	for (unsigned i = 0; i < 4; i++)
		quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
}

void chacha20_block(const u32 key[DRBG_KEY], u32 counter, const u32 nonce[3], u32 out[16])
{
	static const u32 words[4] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };
	u32 begin[16];

	memcpy(begin, words, sizeof(words));
	memcpy(begin + 4, key, DRBG_KEY * sizeof(u32));
	begin[12] = counter;
	memcpy(begin + 13, nonce, 3 * sizeof(u32));
	memcpy(out, begin, sizeof(begin));
	for (unsigned i = 0; i < 10; i++)
		two_rounds(out);
	for (unsigned i = 0; i < 16; i++)
		out[i] += begin[i];
}

/* The block's first half is the next key, and its second the first bytes. */
void drbg_fill(struct drbg *d, void *bytes, u32 n)
{
	static const u32 nonce[3];
	u32 key[DRBG_KEY], out[16], counter = 0, at = BLOCK / 2;
	u8 *to = bytes;

	memcpy(key, d->key, sizeof(key));
	chacha20_block(key, counter, nonce, out);
	memcpy(d->key, out, sizeof(d->key));
	while (n) {
		u32 piece;

		if (at == BLOCK) {
			chacha20_block(key, ++counter, nonce, out);
			at = 0;
		}
		piece = MIN(n, BLOCK - at);
		memcpy(to, (u8 *)out + at, piece);
		to += piece;
		at += piece;
		n -= piece;
	}
	memset(key, 0, sizeof(key));
	memset(out, 0, sizeof(out));
}

/* As many bytes as a key has at a time, each time through the generator. */
void drbg_seed(struct drbg *d, const void *bytes, u32 n)
{
	const u8 *from = bytes;

	while (n) {
		u32 piece = MIN(n, (u32)sizeof(d->key));
		u8 *key = (u8 *)d->key;
		u32 next[DRBG_KEY];

		for (u32 i = 0; i < piece; i++)
			key[i] ^= from[i];
		drbg_fill(d, next, sizeof(next));
		from += piece;
		n -= piece;
	}
}
