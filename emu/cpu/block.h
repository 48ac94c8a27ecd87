/* SPDX-License-Identifier: MIT */
/*
 * The set of blocks: by physical address and mode, by page (for writes), by position in the cache
 * (for faults).
 */
#pragma once

#include "emu/cpu/recomp_internal.h"

struct block *block_find(struct recomp *r, gpa_t gpa, u32 eip, u32 key);
/* Puts a new block on the tables and its pages under watch. */
void block_insert(struct recomp *r, struct block *b);
/* The block whose code holds this offset of the cache, or NULL. */
struct block *block_at(struct recomp *r, u32 offset);
/* Drops one block: no table, no slot leads to it any more. */
void block_drop(struct recomp *r, struct block *b);
void block_drop_all(struct recomp *r);

/* Instructions that were seen to need C for their memory, by linear address; a hint. */
bool block_is_slow(const struct recomp *r, gla_t gla);
void block_note_slow(struct recomp *r, gla_t gla);
