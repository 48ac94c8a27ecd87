/* SPDX-License-Identifier: MIT */
/*
 * Looks for bytes in a guest's memory, by linear addresses. What is not mapped is passed over.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_text.h"

#define DBG_SEARCH_BYTES 64u /* of a pattern, at most */

/* In [from, from + len), at most to the end of the space. Prints the first `most` places; how many
 * there are. */
u32 dbg_search(struct cpu *cpu, gla_t from, u32 len, const u8 *pattern, u32 n, u32 most,
	       const struct dbg_out *out);
