/* SPDX-License-Identifier: MIT */
/*
 * The fence of segments of 64 KiB (trans_address.c): who met it.
 */
#include "emu/trans/fence.h"

static u32 place(gla_t gla)
{
	return (gla ^ gla >> 9) % FENCE_NOTES;
}

bool fence_met(const struct recomp *r, u64 cr2)
{
	return cr2 - ((u64)r->cfg.poll_quiet - RECOMP_FENCE) < RECOMP_FENCE + RECOMP_FENCED;
}

bool fence_note(struct recomp *r, gla_t gla)
{
	if (fence_was_met(r, gla))
		return false;
	r->fence[place(gla)] = gla + 1;
	return true;
}

bool fence_was_met(const struct recomp *r, gla_t gla)
{
	return r->fence[place(gla)] == gla + 1;
}
