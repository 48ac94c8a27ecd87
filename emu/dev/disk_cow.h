/* SPDX-License-Identifier: MIT */
/*
 * Media that are copied on write. A medium is an image that is never changed, a boot module say,
 * and the blocks of 4 KiB that were written since. A block is taken when a sector of it is first
 * written: whoever made the medium pays for blocks, and may refuse one; then the write fails.
 *
 * A drive is a back end (emu/dev/disk.h) with one such medium in it, or none. The blocks stay with
 * the medium when it is taken out.
 */
#pragma once

#include "emu/dev/disk.h"

#define COW_BLOCK 4096u

#define COW_GROUP 512u /* blocks that are found by one more */

struct cow_blocks {
	void *(*take)(void *ctx); /* COW_BLOCK bytes; NULL: no more */
	void (*give)(void *ctx, void *block);
	void *ctx;
};

struct cow_medium {
	const u8 *image;
	u64 size;    /* bytes of the image */
	u64 sectors; /* up to a whole unit: what the image has not is zeros */
	bool read_only;
	const struct cow_blocks *blocks;
	u64 taken;   /* blocks, and what finds them */
	u8 ***group; /* of 512 blocks each; NULL: none of them was written */
	u32 groups;
};

struct cow_drive {
	struct disk_backend backend;
	struct cow_medium *medium; /* NULL: none is in it */
};

/* The image stays the caller's. unit: of sectors, 1, or 4 for a CD. Returns 0 or E_NOMEM. */
int cow_medium_init(struct cow_medium *m, const void *image, u64 size, u32 unit, bool read_only,
		    const struct cow_blocks *blocks);
/* Gives the blocks back. It must be in no drive. */
void cow_medium_destroy(struct cow_medium *m);
/* Within its sectors. */
void cow_medium_read(const struct cow_medium *m, u64 sector, u32 sectors, u8 *to);
/* False: a block was refused, and nothing is written. */
bool cow_medium_write(struct cow_medium *m, u64 sector, u32 sectors, const u8 *from);
/* Where a sector lies, and how many of *sectors lie in a row from there. NULL: it has no place of
 * its own, as the image ends before or in it, or as a block was refused. What is given to be
 * written must be written whole. */
const u8 *cow_medium_readable(const struct cow_medium *m, u64 sector, u32 *sectors);
u8 *cow_medium_writable(struct cow_medium *m, u64 sector, u32 *sectors);
/* The first block at or behind *block that was ever written; false: there is none. */
bool cow_medium_next(const struct cow_medium *m, u64 *block);
/* The block that holds this sector if it was ever written, else NULL. */
const u8 *cow_medium_written(const struct cow_medium *m, u64 sector);
/* A block to be written whole. NULL: it was refused, or the medium cannot be written. */
u8 *cow_medium_own(struct cow_medium *m, u64 block);
/* Gives back what was written, the first group at or behind *group. False: nothing is left. */
bool cow_medium_drop(struct cow_medium *m, u32 *group);

/* Returns 0 or E_NOMEM; no medium is in it. */
int cow_drive_init(struct cow_drive *d);
/* E_BUSY while a device has it. */
int cow_drive_destroy(struct cow_drive *d);
/* As by hand; NULL: takes out what is in it. */
void cow_drive_insert(struct cow_drive *d, struct cow_medium *m);
