/* SPDX-License-Identifier: MIT */
/*
 * A medium in the host's memory: a boot module, a RAM disk, an image of a test.
 */
#pragma once

#include "emu/dev/disk.h"

struct disk_memory {
	struct disk_backend backend;
	u8 *bytes;
};

/* Returns 0 or E_NOMEM. The bytes stay the caller's; what is behind the last whole sector of
 * size is not part of the medium. */
int disk_memory_init(struct disk_memory *m, void *bytes, u64 size, bool read_only);
/* It has no short way (disk_readable()): as a disk of the host's. */
void disk_memory_by_requests(struct disk_memory *m);
/* Another medium, as by hand: NULL and 0 take the old one out. */
void disk_memory_insert(struct disk_memory *m, void *bytes, u64 size, bool read_only);
