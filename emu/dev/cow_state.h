/* SPDX-License-Identifier: MIT */
/*
 * What was written to a medium (emu/dev/disk_cow.h) in a stream:
 *
 *      section "medium": name[32], sectors u64, size of the image in bytes u64, blocks u64
 *      section "blocks": number of the first u64, how many u32,
 *                        of each the CRC-32 of what the image has there u32, and 4,096 bytes
 *
 * 1 to COW_STATE_RUN blocks in a row, in ascending order. The checksums tell whether an image is
 * the one that was written to.
 */
#pragma once

#include "emu/dev/disk_cow.h"
#include "emu/snap/snap.h"

#define COW_STATE_RUN  15u
#define COW_STATE_NAME 32u

/* How far the work is with one medium. All zero at first. */
struct cow_cursor {
	u64 block;
	/* Loading: */
	u64 left;  /* blocks that are still to come */
	u64 taken; /* so far, with those that find them */
	u64 group; /* of the last one, and 1 */
};

void cow_save_medium(const struct cow_medium *m, const char *name, struct snap *s);
/* So many blocks at most, give or take a section. False: all are saved, or the stream has failed.
 */
bool cow_save_blocks(const struct cow_medium *m, struct snap *s, struct cow_cursor *c, u32 budget);

/* The same for loading, into a medium of which nothing was written: is it that image, and how many
 * blocks will come? */
void cow_load_medium(const struct cow_medium *m, const char *name, struct snap *s,
		     struct cow_cursor *c);
/* False: all are loaded, or the stream has failed. */
bool cow_load_blocks(struct cow_medium *m, struct snap *s, struct cow_cursor *c, u32 budget);
/* As cow_load_blocks(), but the medium stays as it is, and the image is compared: can they be
 * loaded? */
bool cow_check_blocks(const struct cow_medium *m, struct snap *s, struct cow_cursor *c, u32 budget);

/* A checksum of the beginning of an image and of parts all over it: whether it is the same one. */
u32 cow_image_sample(const struct cow_medium *m);
