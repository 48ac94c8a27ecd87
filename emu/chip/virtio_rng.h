/* SPDX-License-Identifier: MIT */
/*
 * The virtio entropy device (Virtio 1.2, 5.4): whatever buffer comes is filled with random bytes of
 * the machine around (board_host.entropy).
 */
#pragma once

#include "emu/chip/virtio.h"

struct virtio_rng {
	struct virtio v;
	struct vtimers *timers;
	struct vtimer refill;
	u32 left;		  /* bytes that it may give until the next refill */
	struct virtq_chain chain; /* nothing of it outlives a call */
};

extern const struct device_class virtio_rng_class;
