/* SPDX-License-Identifier: MIT */
/*
 * A case, run again for each page that it may touch, with that page absent, read-only and the
 * supervisor's in turn. The fault must tell EIP, CR2 and error code as the manual has them (SDM 3A
 * 4.7); registers, flags, x87, SSE and AVX state and memory must be as before the instruction (of a
 * repeated one: as after the repetitions before the one that faulted); and when the page is
 * repaired the case must come to the same end as undisturbed. What the real processor can run in
 * mode FLAT3, it does, and all of it is compared.
 */
#pragma once

#include "tests/diff/outcome.h"

struct disturb_count {
	u64 faults;    /* planned and taken */
	u64 data;      /* of them, not of a fetch */
	u64 on_native; /* of them, compared with the real processor */
	u64 failed;    /* complaints; the first few are printed */
};
extern struct disturb_count disturb_count;
extern const char *disturb_program; /* for the line that replays a case */

/* native: the native processor takes part. Returns 0, or what a processor's init() returns. */
int disturb_init(bool native);
/* Runs the case undisturbed. NULL: it did not come to an end, or not to the same one twice. */
const struct outcome *disturb_begin(struct diff_case *c);
void disturb_pages(void);
