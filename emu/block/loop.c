/* SPDX-License-Identifier: MIT */
/*
 * Which counted loops are not worth a call (loop.h).
 */
#include "emu/block/loop.h"

static u32 place(gla_t gla)
{
	return (gla ^ gla >> 7) % LOOP_NOTES;
}

bool loop_is_plain(const struct recomp *r, gla_t gla)
{
	return r->plain_loop[place(gla)] == gla + 1;
}

void loop_note_plain(struct recomp *r, gla_t gla)
{
	r->plain_loop[place(gla)] = gla + 1;
}
