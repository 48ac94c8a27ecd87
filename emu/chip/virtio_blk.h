/* SPDX-License-Identifier: MIT */
/*
 * The virtio block device (Virtio 1.2, 5.2): a disk of emu/dev/disk.h behind one queue.
 */
#pragma once

#include "emu/chip/virtio.h"
#include "emu/dev/disk.h"

#define BLK_REQUESTS 4u /* that are under way at a time */

/* One that was taken from the queue. */
struct blk_request {
	bool taken;
	u32 type;
	u64 sector; /* where it begins */
	u64 bytes;  /* to be moved in all */
	u64 done;   /* of them */
	bool flush; /* behind what it writes; or it is a flush */
};

struct virtio_blk {
	struct virtio v;
	unsigned unit;
	struct blk_request request[BLK_REQUESTS];
	bool stalled; /* the queue has more than there is room for */
	struct blk_work {
		struct disk_port port;
		struct disk_request disk[BLK_REQUESTS]; /* a piece of each */
		struct virtq_chain chain[BLK_REQUESTS]; /* what they were taken as */
		struct completion again;
		u8 *buffers;
	} work;
};

extern const struct device_class virtio_blk_class;
