/* SPDX-License-Identifier: MIT */
/*
 * Instructions whose offset, a register and a displacement, was seen to leave 64 KiB: a hint. They
 * are translated with the offset put together before the look at the fence.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* Is cr2 beside the fence? */
bool fence_met(const struct recomp *r, u64 cr2);
/* Notes that the instruction at this linear address met it. True: for the first time since others
 * have taken its place. */
bool fence_note(struct recomp *r, gla_t gla);
bool fence_was_met(const struct recomp *r, gla_t gla);
