/* SPDX-License-Identifier: MIT */
/*
 * Saved machines in the monitor's memory: streams (emu/snap/snap.h) under a name. One that is still
 * being written has no name yet. Boot modules are the other place that a stream can be read from.
 *
 * Everything is done in tasks: by commands, and in VMs' turns.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/base/types.h"

#define SNAPSHOT_NAME 32

struct snapshot_block;

struct snapshot {
	struct list link;
	char name[SNAPSHOT_NAME], vm[SNAPSHOT_NAME];
	u64 bytes;
	struct snapshot_block *first, *last; /* NULL: the bytes are at data */
	const u8 *data;
	unsigned readers; /* it stays while there are any */
};

extern struct list snapshot_list;

/* NULL: no memory. */
struct snapshot *snapshot_create(const char *vm);
/* snap_move: appends; false when less than a reserve of memory would be left. ctx: the snapshot. */
bool snapshot_append(void *ctx, void *bytes, u32 n);
/* It is whole: found by this name from now on, instead of another one of the same name. */
void snapshot_publish(struct snapshot *p, const char *name);
/* Gives back its memory, or makes that happen when its last reader is done. */
void snapshot_free(struct snapshot *p);
/* One of that name, else a boot module; NULL if there is neither. Given back by snapshot_done(). */
struct snapshot *snapshot_open(const char *name);
void snapshot_done(struct snapshot *p);
struct snapshot *snapshot_find(const char *name);
/* Memory that one takes. */
u64 snapshot_memory(const struct snapshot *p);

struct snapshot_reader {
	struct snapshot *snapshot;
	const struct snapshot_block *block;
	u64 at;
};

void snapshot_rewind(struct snapshot_reader *r, struct snapshot *p);
/* snap_move; ctx: the reader. */
bool snapshot_read(void *ctx, void *bytes, u32 n);
