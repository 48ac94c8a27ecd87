/* SPDX-License-Identifier: MIT */
/*
 * Instructions whose offset, a register and a displacement, was seen to leave 64 KiB: a hint. A
 * look at the fence goes further than the access, for the instructions behind (trans_known.c). Who
 * met it once looks at its own access alone. Who met it so, too, puts the offset together before.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* Is cr2 beside the fence? */
bool fence_met(const struct recomp *r, u64 cr2);
#define FENCE_LEVELS 2u
/* Notes that the instruction at this linear address met it. False: it had met it FENCE_LEVELS times
 * before, and more are not counted. */
bool fence_note(struct recomp *r, gla_t gla);
/* How often, at most FENCE_LEVELS, since others have taken its place; and is it that? */
unsigned fence_level(const struct recomp *r, gla_t gla);
bool fence_was_met(const struct recomp *r, gla_t gla);
