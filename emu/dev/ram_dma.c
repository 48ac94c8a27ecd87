/* SPDX-License-Identifier: MIT */
/*
 * A transfer goes region by region, and page by page where there is no memory.
 */
#include "emu/dev/ram_dma.h"

#include "kernel/base/string.h"

/* How many of n bytes at at are of one kind; *memory: RAM or ROM. */
static u32 in_region(struct gpmem *m, u64 at, u32 n, bool *memory)
{
	const struct gpmem_region *r = at < GPMEM_REACH ? gpmem_find(m, at) : NULL;

	*memory = r && r->kind != GPMEM_MMIO;
	if (!*memory)
		return MIN(n, PAGE_SIZE - (u32)(at & (PAGE_SIZE - 1)));
	return (u32)MIN((u64)n, MIN(r->start + r->size, GPMEM_REACH) - at);
}

void ram_dma_read(struct gpmem *m, u64 at, void *buf, u32 n)
{
	for (u8 *to = buf; n;) {
		bool memory;
		u32 piece = in_region(m, at, n, &memory);

		if (memory)
			gpmem_read(m, at, to, piece);
		else
			memset(to, 0xff, piece);
		to += piece;
		at += piece;
		n -= piece;
	}
}

void ram_dma_write(struct gpmem *m, u64 at, const void *buf, u32 n)
{
	for (const u8 *from = buf; n;) {
		bool memory;
		u32 piece = in_region(m, at, n, &memory);

		if (memory)
			gpmem_write_by_device(m, at, from, piece);
		from += piece;
		at += piece;
		n -= piece;
	}
}

/* A step for each region. */
bool ram_dma_covers(struct gpmem *m, u64 at, u64 n)
{
	if (at >= GPMEM_REACH || n > GPMEM_REACH - at)
		return false;
	while (n) {
		const struct gpmem_region *r = gpmem_find(m, at);
		u64 there;

		if (!r || r->kind != GPMEM_RAM)
			return false;
		there = r->size - (at - r->start);
		if (n <= there)
			return true;
		at += there;
		n -= there;
	}
	return true;
}
