/* SPDX-License-Identifier: MIT */
/*
 * Of a region of RAM: a bit for each byte that nobody has written, and for each page how many of
 * them are left. gpmem.c tells of writes; who asks is gpmem_fresh.c.
 */
#pragma once

#include "kernel/base/types.h"

struct gpmem_fresh {
	u64 size;  /* of the region */
	u8 **bits; /* of each 2 MiB, a bit for each byte */
	u16 *left; /* of each page: how many bytes */
	u32 *uses; /* of each page: how often it was read or written a piece at a time */
};

/* All of it is as if written. NULL: no memory. */
struct gpmem_fresh *gpmem_bytes_create(u64 size);
void gpmem_bytes_destroy(struct gpmem_fresh *f); /* NULL, too */
/* Nobody has written these pages. */
void gpmem_bytes_begin(struct gpmem_fresh *f, u64 offset, u64 size);
/* All pages count as written. */
void gpmem_bytes_end(struct gpmem_fresh *f);
/* Bytes on one page are written. True: none is left there from now on. uses: how often it may be
 * used before it is let go. */
bool gpmem_bytes_written(struct gpmem_fresh *f, u64 offset, u32 len, u64 uses);
/* A read of a page that has some left. True, as above. */
bool gpmem_bytes_used(struct gpmem_fresh *f, u64 offset, u64 uses);
/* How many of these bytes on one page are left. */
u32 gpmem_bytes_left(const struct gpmem_fresh *f, u64 offset, u32 len);
