/* SPDX-License-Identifier: MIT */
/*
 * Packs bytes by what came before them. The packed form is a row of
 *
 *      00h..7Fh    n + 1 bytes as they are follow
 *      80h..FFh    n - 80h + 4 bytes are those that stood `distance` bytes before: u16 follows
 *
 * iso/core-file unpacks.
 */
#pragma once

#include "kernel/base/types.h"

#define LZ_IN_MAX    0xffffu
#define LZ_OUT_MAX   (LZ_IN_MAX + LZ_IN_MAX / 128 + 1)
#define LZ_TABLE     4096u
#define LZ_MATCH_MIN 4u
#define LZ_MATCH_MAX (LZ_MATCH_MIN + 0x7f)

/* Where four bytes of a hash stood last, plus one. */
struct lz {
	u16 at[LZ_TABLE];
};

/* Packs n bytes, LZ_IN_MAX at most, into out, which has n + n / 128 + 1 of them. How many it has
 * become. */
u32 lz_pack(struct lz *z, const u8 *in, u32 n, u8 *out);
