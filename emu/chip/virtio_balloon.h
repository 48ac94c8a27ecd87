/* SPDX-License-Identifier: MIT */
/*
 * The virtio memory balloon (Virtio 1.2, 5.5): the guest gives pages back to the machine (queue 0)
 * and asks for them again (queue 1), until it has as many in its balloon as it is asked for. It
 * tells how its memory is used when it is asked to (queue 2).
 */
#pragma once

#include "emu/chip/virtio.h"

/* The tags of statistics (5.5.6.4): bytes, or how often. */
enum balloon_tag {
	BALLOON_SWAPPED_IN,
	BALLOON_SWAPPED_OUT,
	BALLOON_MAJOR_FAULTS,
	BALLOON_MINOR_FAULTS,
	BALLOON_FREE,
	BALLOON_TOTAL,
	BALLOON_AVAILABLE,
	BALLOON_CACHES,
	BALLOON_HUGE_PAGES,
	BALLOON_HUGE_PAGES_FAILED,
	BALLOON_TAGS
};

struct balloon_statistics {
	u32 answers; /* how often the driver has told */
	u32 known;   /* bit n: value[n] was told the last time */
	u64 value[BALLOON_TAGS];
};

struct virtio_balloon {
	struct virtio v;
	struct vtimers *timers;
	struct vtimer retry; /* for pages that the machine has not now */
	u32 target;	     /* pages that shall be in the balloon */
	struct balloon_way {
		bool open; /* a chain of it is under way */
		u64 at;	   /* bytes of it that are done */
	} way[2];
	bool holds; /* the buffer of the statistics, until they are asked for */
	u16 held;   /* its head */
	struct balloon_work {
		struct virtq_chain chain[3]; /* while its way is open */
		struct balloon_statistics statistics;
	} work;
};

extern const struct device_class virtio_balloon_class;

void virtio_balloon_ask(struct virtio_balloon *b, u32 pages);
/* Asks the driver for new statistics; false: it tells none, or is asked already. */
bool virtio_balloon_measure(struct virtio_balloon *b);
/* How many are in it, as the driver says. */
u32 virtio_balloon_actual(const struct virtio_balloon *b);
