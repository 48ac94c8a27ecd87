/* SPDX-License-Identifier: MIT */
/*
 * Translated blocks for who measures and reads them: what a host address belongs to, and a block's
 * guest code and emitted code side by side.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_text.h"
#include "emu/jit/recomp_trap.h"

/* A place in the code of a block. Blocks come and go; the same guest code in the same mode has the
 * same address and key again. */
struct recomp_place {
	gla_t gla;  /* where the block's guest code begins */
	u32 key;    /* its mode */
	u32 code;   /* where its code begins, as an offset in the cache */
	u32 offset; /* from there */
};

/* How often something was seen at an offset of the code. */
struct recomp_hit {
	u32 offset, count;
};

/* What of translated code lies at a host address that recomp_owns(). False: a stub. May be asked in
 * an interrupt that hit translated code. */
bool recomp_place_of(struct recomp *r, u64 rip, struct recomp_place *place);

/* The live block with that address and mode: fills in its place's code. False: it is gone. */
bool recomp_find_block(struct recomp *r, struct recomp_place *place);

/*
 * Lists the block that recomp_find_block() has found just now, each instruction of the guest beside
 * what was made of it, with the share of each instruction's hits in `all`, in per cent. No more
 * than a few thousand lines, whatever the guest is.
 */
void recomp_list_block(struct recomp *r, const struct recomp_place *place,
		       const struct recomp_hit *hit, unsigned hits, u64 all,
		       const struct dbg_out *out);
