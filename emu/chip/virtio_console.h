/* SPDX-License-Identifier: MIT */
/*
 * The virtio console (Virtio 1.2, 5.3) with one port: queue 0 takes what is typed, queue 1 brings
 * what the guest says. To the machine around it is one more serial line, behind those of the UARTs.
 */
#pragma once

#include "emu/chip/virtio.h"

#define VIRTIO_CONSOLE_PORT 4u /* behind the UARTs' */

struct virtio_console {
	struct virtio v;
	bool busy; /* the line: nothing more goes before it is ready */
	bool open; /* a chain of the guest's text is under way */
	u64 at;	   /* how much of it has gone */
	struct console_work {
		struct virtq_chain chain; /* the guest's text, while open */
		struct virtq_chain input;
	} work;
};

extern const struct device_class virtio_console_class;

/* A byte for the guest; false: it has no buffer for it now. */
bool virtio_console_rx(struct virtio_console *c, u8 byte);
void virtio_console_tx_ready(struct virtio_console *c);
/* Has the guest a driver that listens? */
bool virtio_console_listens(const struct virtio_console *c);
