/* SPDX-License-Identifier: MIT */
/*
 * The virtio memory balloon (Virtio 1.2, 5.5): the guest gives pages back to the machine (queue 0)
 * and asks for them again (queue 1), until it has as many in its balloon as it is asked for.
 */
#pragma once

#include "emu/chip/virtio.h"

struct virtio_balloon {
	struct virtio v;
	struct vtimers *timers;
	struct vtimer retry; /* for pages that the machine has not now */
	u32 target;	     /* pages that shall be in the balloon */
	struct balloon_way {
		bool open; /* a chain of it is under way */
		u64 at;	   /* bytes of it that are done */
	} way[2];
	struct balloon_work {
		struct virtq_chain chain[2]; /* while its way is open */
	} work;
};

extern const struct device_class virtio_balloon_class;

void virtio_balloon_ask(struct virtio_balloon *b, u32 pages);
/* How many are in it, as the driver says. */
u32 virtio_balloon_actual(const struct virtio_balloon *b);
