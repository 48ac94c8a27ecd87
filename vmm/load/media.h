/* SPDX-License-Identifier: MIT */
/*
 * Is an image a medium for that drive, and what is to be said of it? Truncated, empty and odd-sized
 * ones are used as far as they go. Pure: monitor and iso/mkimage say the same.
 */
#pragma once

#include "vmm/load/config_drive.h"

/* Looks at size, and at the few sectors that say how large the whole is. Returns whether it can be
 * used; note is "" if there is nothing to say. */
bool media_look(enum drive_kind kind, const u8 *image, u64 size, char *note, size_t note_size);
/* Sectors of 512 bytes that its drive counts in. */
u32 media_unit(enum drive_kind kind);
