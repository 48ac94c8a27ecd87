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

/* How far the work is. All zero at first. */
struct cow_cursor {
	u64 block;
};

void cow_save_medium(const struct cow_medium *m, const char *name, struct snap *s);
/* So many blocks at most, give or take a section. False: all are saved, or the stream has failed.
 */
bool cow_save_blocks(const struct cow_medium *m, struct snap *s, struct cow_cursor *c, u32 budget);
