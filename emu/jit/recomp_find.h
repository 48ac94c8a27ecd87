/* SPDX-License-Identifier: MIT */
/*
 * Finds translated code for where the guest is, and makes it where there is none.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/*
 * Where to run from in this mode: by the look-up table, as translated code itself would; else by
 * the page tables. edge: by which translated code came out, so that it is linked, or SLOT_NONE. 0:
 * r->failed, or a fetch fault, in cpu->fault.
 */
u64 recomp_find_code_anew(struct recomp *r, u32 key, u32 edge);
static inline u64 recomp_find_code(struct recomp *r, u32 key, u32 edge)
{
	u32 eip = r->cpu->eip;
	const struct lookup_entry *l = &r->lookup[eip & 0xffff];

	if (edge == SLOT_NONE && l->minus_tag + r->tag + eip == 0)
		return l->code;
	return recomp_find_code_anew(r, key, edge);
}

/* The EIP that the edge leads to whose stub ends at this offset of the cache. */
u32 recomp_edge_target(struct recomp *r, u32 offset);
