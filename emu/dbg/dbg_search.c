/* SPDX-License-Identifier: MIT */
/*
 * Page by page, with the bytes before the page kept in front of it: a place may lie on two pages.
 */
#include "emu/dbg/dbg_search.h"

#include "emu/dbg/dbg_mem.h"
#include "emu/dbg/dbg_symbols.h"
#include "kernel/base/string.h"

static void tell(struct cpu *cpu, gla_t gla, const struct dbg_out *out)
{
	struct dbg_line l = { .len = 0 };

	dbg_add(&l, "%08x", gla);
	dbg_add_symbol(&l, cpu->stops.symbols, gla);
	dbg_end(&l, out);
}

u32 dbg_search(struct cpu *cpu, gla_t from, u32 len, const u8 *pattern, u32 n, u32 most,
	       const struct dbg_out *out)
{
	u8 b[DBG_SEARCH_BYTES + PAGE_SIZE];
	u64 at = from, end = MIN((u64)from + len, BIT64(32));
	u32 kept = 0, found = 0; /* of the page before, in front of b's new bytes */

	while (at < end) {
		u32 want = (u32)MIN(PAGE_SIZE - (at & (PAGE_SIZE - 1)), end - at);
		u32 have = kept + dbg_read(cpu, (gla_t)at, b + kept, want);

		for (u32 i = 0; i + n <= have; i++)
			if (!memcmp(b + i, pattern, n) && found++ < most)
				tell(cpu, (gla_t)(at - kept + i), out);
		if (have < kept + want) {
			kept = 0;
		} else {
			u32 next = MIN(n - 1, have);

			memmove(b, b + have - next, next);
			kept = next;
		}
		at += want;
	}
	return found;
}
