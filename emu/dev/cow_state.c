/* SPDX-License-Identifier: MIT */
/*
 * Saving what was written to a medium.
 */
#include "emu/dev/cow_state.h"

#include "emu/snap/crc32.h"
#include "kernel/base/string.h"

#define COW_VERSION 1

void cow_save_medium(const struct cow_medium *m, const char *name, struct snap *s)
{
	u64 sectors = m->sectors, size = m->size, blocks = 0;
	char text[COW_STATE_NAME] = { 0 };

	for (u64 at = 0; cow_medium_next(m, &at); at++)
		blocks++;
	str_copy(text, name, sizeof(text));
	if (!snap_begin(s, "medium", COW_VERSION))
		return;
	snap_bytes(s, text, sizeof(text));
	snap_u64(s, sectors);
	snap_u64(s, size);
	snap_u64(s, blocks);
	snap_end(s);
}

/* Of the image's bytes only: it may end in the midst of the block. */
static u32 image_crc(const struct cow_medium *m, u64 block)
{
	u64 at = block * COW_BLOCK;

	return at < m->size
		       ? crc32_update(0, m->image + at, (size_t)MIN(m->size - at, (u64)COW_BLOCK))
		       : 0;
}

static u32 run_length(const struct cow_medium *m, u64 block, u32 most)
{
	u32 n = 1;

	for (u64 at = block + 1; n < most && cow_medium_next(m, &at) && at == block + n; at++)
		n++;
	return n;
}

static void save_run(const struct cow_medium *m, struct snap *s, u64 first, u32 count)
{
	if (!snap_begin(s, "blocks", COW_VERSION))
		return;
	snap_u64(s, first);
	snap_u32(s, count);
	for (u32 i = 0; i < count; i++) {
		u32 crc = image_crc(m, first + i);

		snap_u32(s, crc);
		snap_bytes(
			s,
			(u8 *)(hva_t)cow_medium_written(m, (first + i) * (COW_BLOCK / DISK_SECTOR)),
			COW_BLOCK);
	}
	snap_end(s);
}

bool cow_save_blocks(const struct cow_medium *m, struct snap *s, struct cow_cursor *c, u32 budget)
{
	while (budget && snap_ok(s)) {
		u32 run;

		if (!cow_medium_next(m, &c->block))
			return false;
		run = run_length(m, c->block, COW_STATE_RUN);
		save_run(m, s, c->block, run);
		c->block += run;
		budget -= MIN(budget, run);
	}
	return snap_ok(s);
}
