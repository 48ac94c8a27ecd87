/* SPDX-License-Identifier: MIT */
/*
 * Directed cases while they are made: what lies in the image, and how a plausible selector, offset
 * or image of the flags is chosen.
 */
#pragma once

#include "tests/diff/directed.h"

struct world {
	struct directed_case *c;
	u64 r;
};

u32 world_pick(struct world *w, u32 n);	    /* 0 .. n-1 */
bool world_chance(struct world *w, u32 of); /* one in of */
void world_put(struct world *w, u32 at, u32 v, unsigned size);

/* Selectors that fit a level, with its RPL. */
u16 world_code(struct world *w, u32 level);
u16 world_stack(struct world *w, u32 level);
u16 world_data(struct world *w, u32 level);
u16 world_gate(struct world *w);
u16 world_tss(struct world *w);
u16 world_any(struct world *w);	 /* also beyond the tables */
u32 world_slot(struct world *w); /* an offset in a code segment */
u32 world_flags(struct world *w, u32 level);

void world_make(struct world *w);
void world_spoil(struct world *w);
