/* SPDX-License-Identifier: MIT */
/*
 * Pages on which code and data mix. Noting returns true when that is so from now on, which
 * block_mix_page() then makes known.
 */
#pragma once

#include "emu/block/recomp_internal.h"

#define PAGE_IS_DATA 16u /* writes; each costs about as much as translating some instructions */
bool block_page_mixed(const struct recomp *r, gpa_t page);
void block_mix_page(struct recomp *r, gpa_t page);
bool block_note_data(struct recomp *r, gpa_t page); /* PAGE_IS_DATA writes */
bool block_note_write(struct recomp *r, gpa_t gpa); /* one, to a page with blocks */
/* A block that verifies itself has found other bytes; and is this one of those that changed so? */
void block_note_stale(struct recomp *r, const struct block *b);
bool block_is_patched(struct recomp *r, gpa_t insn);
/* The guest's bytes that such a block was made of. */
static inline u8 *block_source(const struct block *b)
{
	return (u8 *)(b->map + b->insns);
}
