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

#define ANALYSE_PAGE  4096u
#define ANALYSE_TAIL  256u /* bytes of the page before */
#define ANALYSE_AHEAD 16u  /* bytes of the next page that an instruction can reach into */

struct analysis {
	bool clean;
	u16 offset;	/* of the first sensitive instruction found, */
	u16 mnemonic;	/* and what it is (Zydis mnemonic), when not clean */
	bool uses_next; /* an instruction crosses the page's end: the result depends on the next
			   page too */
	u16 insns;
};

/* An analysis under way. */
struct analyser {
	u8 bytes[ANALYSE_PAGE + ANALYSE_AHEAD]; /* a copy: the page may change meanwhile */
	unsigned size;				/* of them that there are */
	u8 start[ANALYSE_PAGE / 8], covered[ANALYSE_PAGE / 8];
	u16 todo[512];
	unsigned todos, at, first; /* where it is; where the sweep begins */
	bool big, umip, sweeping;
	struct analysis found;
};

/*
 * page: 4096 bytes; tail: the last ANALYSE_TAIL bytes of the page before in linear space, NULL if
 * unmapped; next: the first ANALYSE_AHEAD bytes of the page that follows in linear space, NULL if
 * unmapped; big: CS.D; entries: offsets where control was seen to enter; umip: SGDT, SIDT, SLDT,
 * SMSW and STR trap.
 */
void analyse_begin(struct analyser *s, const u8 *page, const u8 *tail, const u8 *next, bool big,
		   const u16 *entries, unsigned n, bool umip);

/*
 * So many steps, of one instruction at most: some 3,000 of the monitor's. True: it is done, and
 * s->found tells. A page of single bytes takes 4,096.
 */
bool analyse_step(struct analyser *s, unsigned steps);
#define ANALYSE_STEPS 256u /* a piece: less than a millisecond */

/* True if the instruction at code (len bytes available) is sensitive and does not trap at CPL 1. */
bool analyse_is_sensitive(const u8 *code, unsigned len, bool big, bool umip);
