/* SPDX-License-Identifier: MIT */
/*
 * The set of blocks: by physical address and mode, by page (for writes), by position in the cache
 * (for faults); and the slots by which one leads to another.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* The entry at this address, EIP, CS base and mode: any guest instruction of any block. NULL: none.
 */
struct entry *block_find(struct recomp *r, gpa_t gpa, u32 eip, u32 key);
/* Puts a new block on the tables and its pages under watch. NULL: no room, flush_wanted is set. */
struct entry *block_insert(struct recomp *r, struct block *b);
/* The block whose code holds this offset of the cache, or NULL. */
struct block *block_at(struct recomp *r, u32 offset);
/* The instruction at this offset from the block's EIP. NULL: none begins there. */
const struct insn_map *block_insn(const struct insn_map *map, unsigned insns, u32 guest);
/* The host offset where the block may be entered at b->eip + guest, or -1. */
int block_boundary(const struct insn_map *map, unsigned insns, u32 guest);
/* Marks the instruction that begins at this place of the cache: what comes before its end waits.
 * (An interrupt that waits where it need not is one instruction late, which nobody can tell.) */
void block_hold_events(struct recomp *r, u64 code) __attribute__((cold));
/* Drops one block: no table, no slot leads to it any more. */
void block_drop(struct recomp *r, struct block *b);
/* No slot and no look-up entry leads to the blocks that begin on this linear page, under whatever
 * mapping. */
void block_isolate_page(struct recomp *r, gla_t page);
/* The blocks that hold the instruction at this linear address are dropped. */
void block_drop_holding(struct recomp *r, gla_t gla);
/* Drops the blocks that begin on the page of this linear address and were cut short because the
 * next page could not be fetched. */
void block_drop_cut(struct recomp *r, gla_t gla);
void block_drop_all(struct recomp *r);
/* Guest-physical bytes [gpa, gpa + len) are about to change or have changed: drops what was
 * translated from them. */
void block_written(struct recomp *r, gpa_t gpa, u32 len);
/* Translated code cannot go on, and this machine with it; others can. */
void recomp_fail(struct recomp *r, const char *why);

/* Room in the arena, cleared, 8-byte aligned; NULL sets flush_wanted. */
void *block_alloc(struct recomp *r, size_t size);

/* A slot's word, as written and as executed. */
u64 *slot_word(const struct recomp *r, u32 slot);
u64 slot_address(const struct recomp *r, u32 slot);
/* A new slot that leads to the stub at this offset of the cache. SLOT_NONE sets flush_wanted. */
u32 slot_new(struct recomp *r, u32 stub);
/* Makes a slot lead to an entry. crosses: until the mapping changes. */
void slot_link(struct recomp *r, u32 slot, const struct entry *e, bool crosses);
/* The mapping of code of CPL 3, or of CPL 0..2, changed: slots that cross pages lead to their stubs
 * again. */
void slot_cut_crossing(struct recomp *r, bool cpl3);
/* The look-up table: code, an offset of the cache, is where EIP goes on in the mode of r->tag. */
void block_fill_lookup(struct recomp *r, u32 eip, u32 code);
void block_clear_lookup(struct recomp *r);

/*
 * Instructions that were seen to need C for their memory, by linear address; a hint. Noting returns
 * true when it has happened often enough for translating it with the call inline.
 */
bool block_is_slow(struct recomp *r, gla_t gla);
bool block_page_has_slow(struct recomp *r, gla_t gla); /* may be asked first, once a block */
bool block_note_slow(struct recomp *r, gla_t gla);
/* An instruction that calls C inline met plain memory, or did not. True when it has done so often
 * enough that it was in vain: the note is gone, and what was made of the instruction as well. */
bool block_note_plain(struct recomp *r, gla_t gla, bool plain);
