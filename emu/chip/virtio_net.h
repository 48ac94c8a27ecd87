/* SPDX-License-Identifier: MIT */
/*
 * The virtio network card (Virtio 1.2, 5.1): a queue of frames to receive, and one of frames to
 * send.
 */
#pragma once

#include "emu/chip/virtio.h"
#include "emu/dev/nic.h"

struct virtio_net {
	struct virtio v;
	const struct nic *nic;
	unsigned place; /* its own, of emu/dev/nic.h */
	bool open;	/* a chain was taken for the next frame */
	struct {
		struct virtq_chain in, out;
		u8 frame[NIC_FRAME_MAX];
	} work;
};

extern const struct device_class virtio_net_class;
