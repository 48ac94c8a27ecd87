/* SPDX-License-Identifier: MIT */
/*
 * Copy on write in two steps: a group of 512 blocks is one more block, of pointers. So a disk of
 * 2 GiB of which nothing was written costs 8 KiB, and both steps are paid for alike.
 */
#include "emu/dev/disk_cow.h"

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define BLOCK_SECTORS (COW_BLOCK / DISK_SECTOR)
#define GROUP_SECTORS (COW_GROUP * BLOCK_SECTORS)
#define DEPTH	      2

_Static_assert(COW_GROUP * sizeof(u8 *) == COW_BLOCK, "a group is a block of pointers");

/* --- Media */

int cow_medium_init(struct cow_medium *m, const void *image, u64 size, u32 unit, bool read_only,
		    const struct cow_blocks *blocks)
{
	u64 bytes = (u64)unit * DISK_SECTOR;
	u64 sectors = (size / bytes + (size % bytes != 0)) * unit;

	*m = (struct cow_medium){ .image = image,
				  .size = size,
				  .sectors = sectors,
				  .read_only = read_only,
				  .blocks = blocks,
				  .groups = (u32)((sectors + GROUP_SECTORS - 1) / GROUP_SECTORS) };
	if (read_only || !sectors)
		return 0;
	m->group = mem_alloc(m->groups * sizeof(*m->group));
	return m->group ? 0 : E_NOMEM;
}

static void give(struct cow_medium *m, void *block)
{
	m->blocks->give(m->blocks->ctx, block);
	m->taken--;
}

bool cow_medium_drop(struct cow_medium *m, u32 *group)
{
	u8 **g;

	while (m->group && *group < m->groups && !m->group[*group])
		(*group)++;
	if (!m->group || *group == m->groups)
		return false;
	g = m->group[*group];
	for (u32 i = 0; i < COW_GROUP; i++)
		if (g[i])
			give(m, g[i]);
	m->group[(*group)++] = NULL;
	give(m, g);
	return true;
}

void cow_medium_destroy(struct cow_medium *m)
{
	u32 group = 0;

	while (cow_medium_drop(m, &group))
		;
	mem_free(m->group);
	*m = (struct cow_medium){ .image = NULL };
}

static u8 *block_of(const struct cow_medium *m, u64 sector)
{
	u8 **g = m->group ? m->group[sector / GROUP_SECTORS] : NULL;

	return g ? g[sector / BLOCK_SECTORS % COW_GROUP] : NULL;
}

const u8 *cow_medium_written(const struct cow_medium *m, u64 sector)
{
	return block_of(m, sector);
}

bool cow_medium_next(const struct cow_medium *m, u64 *block)
{
	u64 blocks = (u64)m->groups * COW_GROUP;

	while (m->group && *block < blocks) {
		u8 **g = m->group[*block / COW_GROUP];

		if (g && g[*block % COW_GROUP])
			return true;
		*block = g ? *block + 1 : (*block / COW_GROUP + 1) * COW_GROUP;
	}
	return false;
}

/* So many bytes of the image, zeros behind its end. */
static void read_image(const struct cow_medium *m, u64 at, u32 len, u8 *to)
{
	u32 there = at < m->size ? (u32)MIN(m->size - at, (u64)len) : 0;

	memcpy(to, m->image + at, there);
	memset(to + there, 0, len - there);
}

/* How many of these sectors lie in the block of the first. */
static u32 in_block(u64 sector, u32 sectors)
{
	return MIN(sectors, BLOCK_SECTORS - (u32)(sector % BLOCK_SECTORS));
}

void cow_medium_read(const struct cow_medium *m, u64 sector, u32 sectors, u8 *to)
{
	while (sectors) {
		u32 n = in_block(sector, sectors), len = n * DISK_SECTOR;
		const u8 *block = block_of(m, sector);

		if (block)
			memcpy(to, block + sector % BLOCK_SECTORS * DISK_SECTOR, len);
		else
			read_image(m, sector * DISK_SECTOR, len, to);
		to += len;
		sector += n;
		sectors -= n;
	}
}

static void *take(struct cow_medium *m)
{
	void *block = m->blocks->take(m->blocks->ctx);

	if (block)
		m->taken++;
	return block;
}

/* As the image has it. */
static void fill_block(const struct cow_medium *m, u64 sector)
{
	read_image(m, ALIGN_DOWN(sector, (u64)BLOCK_SECTORS) * DISK_SECTOR, COW_BLOCK,
		   block_of(m, sector));
}

/* The block of a sector, taken if it is not there yet; then filled from the image, unless all of it
 * is about to be written. */
static bool own_block(struct cow_medium *m, u64 sector, bool fill)
{
	u8 ***g = &m->group[sector / GROUP_SECTORS], **b;

	if (!*g) {
		*g = take(m);
		if (!*g)
			return false;
		memset(*g, 0, COW_BLOCK);
	}
	b = &(*g)[sector / BLOCK_SECTORS % COW_GROUP];
	if (*b)
		return true;
	*b = take(m);
	if (!*b)
		return false;
	if (fill)
		fill_block(m, sector);
	return true;
}

u8 *cow_medium_own(struct cow_medium *m, u64 block)
{
	u64 sector = block * BLOCK_SECTORS;

	return m->group && own_block(m, sector, false) ? block_of(m, sector) : NULL;
}

bool cow_medium_write(struct cow_medium *m, u64 sector, u32 sectors, const u8 *from)
{
	for (u64 s = sector; s < sector + sectors; s += in_block(s, BLOCK_SECTORS))
		if (!own_block(m, s, true))
			return false;
	while (sectors) {
		u32 n = in_block(sector, sectors), len = n * DISK_SECTOR;

		memcpy(block_of(m, sector) + sector % BLOCK_SECTORS * DISK_SECTOR, from, len);
		from += len;
		sector += n;
		sectors -= n;
	}
	return true;
}

/* Where the next block would lie if it lay in a row with that of the sector. */
static const u8 *next_in_row(const struct cow_medium *m, u64 sector)
{
	return block_of(m, sector) + COW_BLOCK;
}

/* Blocks that were written one after the other mostly lie so. */
static u32 written_row(const struct cow_medium *m, u64 sector, u32 most)
{
	u32 n = in_block(sector, most);

	while (n < most && block_of(m, sector + n) == next_in_row(m, sector + n - 1))
		n += in_block(sector + n, most - n);
	return n;
}

static u32 image_row(const struct cow_medium *m, u64 sector, u32 most)
{
	u32 n = in_block(sector, most);

	while (n < most && !block_of(m, sector + n))
		n += in_block(sector + n, most - n);
	return n;
}

const u8 *cow_medium_readable(const struct cow_medium *m, u64 sector, u32 *sectors)
{
	const u8 *block = block_of(m, sector);

	if (block) {
		*sectors = written_row(m, sector, *sectors);
		return block + sector % BLOCK_SECTORS * DISK_SECTOR;
	}
	if (sector >= m->size / DISK_SECTOR)
		return NULL;
	*sectors = (u32)MIN((u64)image_row(m, sector, *sectors), m->size / DISK_SECTOR - sector);
	return m->image + sector * DISK_SECTOR;
}

/* Owns the block behind a row, so many sectors of which will be written, if it lies in the row.
 * Else it is as if it had not been written yet. */
static bool extend_row(struct cow_medium *m, u64 sector, u32 sectors)
{
	bool was_owned = block_of(m, sector);

	if (!own_block(m, sector, sectors < BLOCK_SECTORS))
		return false;
	if (block_of(m, sector) == next_in_row(m, sector - 1))
		return true;
	if (!was_owned && sectors == BLOCK_SECTORS)
		fill_block(m, sector);
	return false;
}

u8 *cow_medium_writable(struct cow_medium *m, u64 sector, u32 *sectors)
{
	u32 most = *sectors, n = in_block(sector, most);

	if (!own_block(m, sector, n < BLOCK_SECTORS))
		return NULL;
	while (n < most && extend_row(m, sector + n, in_block(sector + n, most - n)))
		n += in_block(sector + n, most - n);
	*sectors = n;
	return block_of(m, sector) + sector % BLOCK_SECTORS * DISK_SECTOR;
}

/* --- Drives */

/* It has no time of its own: a transfer ends as soon as it is submitted, and its request when the
 * VM's processor comes to it. */
static void submit(void *ctx, struct disk_transfer *t)
{
	struct cow_medium *m = ((struct cow_drive *)ctx)->medium;
	bool ok = true;

	if (t->op == DISK_READ)
		cow_medium_read(m, t->sector, t->sectors, t->data);
	else if (t->op == DISK_WRITE)
		ok = cow_medium_write(m, t->sector, t->sectors, t->data);
	disk_complete(t, ok ? DISK_OK : DISK_FAILED);
}

static const u8 *readable(void *ctx, u64 sector, u32 *sectors)
{
	return cow_medium_readable(((struct cow_drive *)ctx)->medium, sector, sectors);
}

static u8 *writable(void *ctx, u64 sector, u32 *sectors)
{
	return cow_medium_writable(((struct cow_drive *)ctx)->medium, sector, sectors);
}

static const struct disk_ops ops = { .submit = submit, .readable = readable, .writable = writable };

int cow_drive_init(struct cow_drive *d)
{
	d->medium = NULL;
	return disk_backend_init(&d->backend, &ops, d, DEPTH);
}

int cow_drive_destroy(struct cow_drive *d)
{
	return disk_backend_destroy(&d->backend);
}

void cow_drive_insert(struct cow_drive *d, struct cow_medium *m)
{
	d->medium = m;
	disk_set_medium(&d->backend, m ? m->sectors : 0, m && m->read_only);
}
