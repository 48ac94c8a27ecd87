/* SPDX-License-Identifier: MIT */
/*
 * A generator of random bytes by ChaCha20 (RFC 8439) that forgets how it came to them: the first 32
 * bytes of each block sequence are the next key. Who has it all knows nothing of what it gave
 * before. Pure: whoever owns it brings the seed.
 */
#pragma once

#include "kernel/base/types.h"

#define DRBG_KEY 8u /* words */

struct drbg {
	u32 key[DRBG_KEY];
};

/* Mixes bytes in; what was there before stays in it. */
void drbg_seed(struct drbg *d, const void *bytes, u32 n);
void drbg_fill(struct drbg *d, void *bytes, u32 n);

/* RFC 8439, 2.3: one block, its 16 words in out. */
void chacha20_block(const u32 key[DRBG_KEY], u32 counter, const u32 nonce[3], u32 out[16]);
