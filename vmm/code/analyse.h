/* SPDX-License-Identifier: MIT */
/*
 * Page analysis: may the code on this guest page run raw in ring 1? (design: docs/raw.md.) Pure.
 *
 * A page is clean if neither recursive descent from the entries seen nor a linear sweep of every
 * gap between finds a sensitive instruction that does not trap at CPL 1. An instruction that
 * crosses into the next page counts for both, so the result also depends on the first bytes of the
 * page that follows, and (where the sweep begins) on the last of the page before.
 */
#pragma once

#include "kernel/base/types.h"

#define ANALYSE_TAIL 256u /* bytes of the page before */

struct analysis {
	bool clean;
	u16 offset;	/* of the first sensitive instruction found, */
	u16 mnemonic;	/* and what it is (Zydis mnemonic), when not clean */
	bool uses_next; /* an instruction crosses the page's end: the result depends on the next
			   page too */
	u16 insns;
};

/*
 * page: 4096 bytes; tail: the last ANALYSE_TAIL bytes of the page before in linear space, NULL if
 * unmapped; next: the first 16 bytes of the page that follows in linear space, NULL if unmapped;
 * big: CS.D; entries: offsets where control was seen to enter; umip: SGDT, SIDT, SLDT, SMSW and STR
 * trap.
 */
void analyse_page(const u8 *page, const u8 *tail, const u8 *next, bool big, const u16 *entries,
		  unsigned n, bool umip, struct analysis *out);

/* True if the instruction at code (len bytes available) is sensitive and does not trap at CPL 1. */
bool analyse_is_sensitive(const u8 *code, unsigned len, bool big, bool umip);
