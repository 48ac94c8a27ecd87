/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading what was written to a medium.
 */
#include "emu/dev/cow_state.h"

#include "emu/snap/crc32.h"
#include "kernel/base/string.h"

#define COW_VERSION 1

#define SAMPLE_HEAD 16u /* blocks */
#define SAMPLE_ALL  64u

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

u32 cow_image_sample(const struct cow_medium *m)
{
	u64 blocks = m->size / COW_BLOCK;
	u32 crc = 0;

	for (u64 i = 0; i < SAMPLE_HEAD + SAMPLE_ALL; i++) {
		u64 block = i < SAMPLE_HEAD ? i : blocks * (i - SAMPLE_HEAD) / SAMPLE_ALL;

		if (block < blocks)
			crc = crc32_update(crc, m->image + block * COW_BLOCK, COW_BLOCK);
	}
	return crc;
}

/* --- Loading */

static u64 blocks_of(const struct cow_medium *m)
{
	const u64 per_block = COW_BLOCK / DISK_SECTOR;

	return (m->sectors + per_block - 1) / per_block;
}

void cow_load_medium(const struct cow_medium *m, const char *name, struct snap *s,
		     struct cow_cursor *c)
{
	char text[COW_STATE_NAME], here[COW_STATE_NAME];
	u64 sectors = 0, size = 0;

	*c = (struct cow_cursor){ 0 };
	if (!snap_begin(s, "medium", COW_VERSION))
		return;
	str_copy(here, name, sizeof(here));
	snap_bytes(s, text, sizeof(text));
	snap_u64(s, sectors);
	snap_u64(s, size);
	snap_u64(s, c->left);
	text[sizeof(text) - 1] = 0;
	if (snap_ok(s) && strcmp(text, here))
		snap_fail(s, "another one than %s", name);
	else if (snap_ok(s) && (sectors != m->sectors || size != m->size))
		snap_fail(s, "%s had %llu bytes, and has %llu here", name, (unsigned long long)size,
			  (unsigned long long)m->size);
	snap_end(s);
}

/* medium NULL: only checked. */
static void load_block(const struct cow_medium *image, struct cow_medium *medium, struct snap *s,
		       u64 block)
{
	u32 crc = 0;
	const u8 *bytes;
	u8 *to = NULL;

	snap_u32(s, crc);
	bytes = snap_view(s, COW_BLOCK, "block");
	if (!bytes)
		return;
	if (medium)
		to = cow_medium_own(medium, block);
	if (to)
		memcpy(to, bytes, COW_BLOCK);
	else if (medium)
		snap_fail(s, "no room for block %llu", (unsigned long long)block);
	else if (crc != image_crc(image, block))
		snap_fail(s, "the image is another one: block %llu differs",
			  (unsigned long long)block);
}

static void count_block(struct cow_cursor *c, u64 block)
{
	u64 group = block / COW_GROUP + 1;

	c->taken += group != c->group ? 2 : 1;
	c->group = group;
	c->block = block + 1;
	c->left--;
}

static u32 load_run(const struct cow_medium *image, struct cow_medium *medium, struct snap *s,
		    struct cow_cursor *c)
{
	u64 first = 0, all = blocks_of(image);
	u32 count = 1;

	if (!snap_begin(s, "blocks", COW_VERSION))
		return 1;
	snap_u64(s, first);
	snap_range(s, count, 1, COW_STATE_RUN);
	if (snap_ok(s) && (first < c->block || first >= all || count > all - first))
		snap_fail(s, "%u blocks from %llu on, where %llu to %llu may come", count,
			  (unsigned long long)first, (unsigned long long)c->block,
			  (unsigned long long)all);
	else if (count > c->left)
		snap_fail(s, "more blocks than its medium said");
	for (u32 i = 0; i < count && snap_ok(s); i++) {
		load_block(image, medium, s, first + i);
		count_block(c, first + i);
	}
	snap_end(s);
	return count;
}

static bool load(const struct cow_medium *image, struct cow_medium *medium, struct snap *s,
		 struct cow_cursor *c, u32 budget)
{
	while (budget && snap_ok(s) && c->left) {
		u32 run = load_run(image, medium, s, c);

		budget -= MIN(budget, run);
	}
	return snap_ok(s) && c->left;
}

bool cow_load_blocks(struct cow_medium *m, struct snap *s, struct cow_cursor *c, u32 budget)
{
	return load(m, m, s, c, budget);
}

bool cow_check_blocks(const struct cow_medium *m, struct snap *s, struct cow_cursor *c, u32 budget)
{
	return load(m, NULL, s, c, budget);
}
