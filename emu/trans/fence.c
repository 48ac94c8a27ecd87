/* SPDX-License-Identifier: MIT */
/*
 * The fence of segments of 64 KiB (trans_address.c): a look at it, and who met it.
 */
#include "emu/trans/fence.h"
#include "emu/trans/trans.h"

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
	unsigned level = fence_level(r, gla);

	if (level == FENCE_LEVELS)
		return false;
	r->fence[place(gla)] = gla + 1;
	r->fence_level[place(gla)] = (u8)(level + 1);
	return true;
}

unsigned fence_level(const struct recomp *r, gla_t gla)
{
	return r->fence[place(gla)] == gla + 1 ? r->fence_level[place(gla)] : 0;
}

bool fence_was_met(const struct recomp *r, gla_t gla)
{
	return fence_level(r, gla) == FENCE_LEVELS;
}

void trans_fence(struct trans *t, unsigned reg, s32 disp, unsigned size)
{
	struct hmem m = { .base = R_POLL, .index = (s8)reg, .scale = 1, .disp = disp };

	if (size == 8)
		emit_load64(&t->e, R9, m);
	else
		emit_load_zx(&t->e, NULL, size, R9, m);
}
