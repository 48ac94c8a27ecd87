/* SPDX-License-Identifier: MIT */
/*
 * A medium in memory. It has no time of its own: a transfer ends as soon as it is submitted, and
 * its request when the VM's processor comes to it.
 */
#include "emu/dev/disk_memory.h"

#include "kernel/base/string.h"

#define DEPTH 2

static void submit(void *ctx, struct disk_transfer *t)
{
	struct disk_memory *m = ctx;
	u8 *at = m->bytes + t->sector * DISK_SECTOR;

	if (t->op == DISK_READ)
		memcpy(t->data, at, t->sectors * DISK_SECTOR);
	else if (t->op == DISK_WRITE)
		memcpy(at, t->data, t->sectors * DISK_SECTOR);
	disk_complete(t, DISK_OK);
}

static const u8 *readable(void *ctx, u64 sector, u32 *sectors)
{
	(void)sectors;
	return ((struct disk_memory *)ctx)->bytes + sector * DISK_SECTOR;
}

static u8 *writable(void *ctx, u64 sector, u32 *sectors)
{
	(void)sectors;
	return ((struct disk_memory *)ctx)->bytes + sector * DISK_SECTOR;
}

static const struct disk_ops ops = { .submit = submit, .readable = readable, .writable = writable };
static const struct disk_ops requests_only = { .submit = submit };

int disk_memory_init(struct disk_memory *m, void *bytes, u64 size, bool read_only)
{
	int err = disk_backend_init(&m->backend, &ops, m, DEPTH);

	if (!err)
		disk_memory_insert(m, bytes, size, read_only);
	return err;
}

void disk_memory_by_requests(struct disk_memory *m)
{
	m->backend.ops = &requests_only;
}

void disk_memory_insert(struct disk_memory *m, void *bytes, u64 size, bool read_only)
{
	m->bytes = bytes;
	disk_set_medium(&m->backend, size / DISK_SECTOR, read_only);
}
