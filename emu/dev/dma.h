/* SPDX-License-Identifier: MIT */
/*
 * A device's DMA channel, as the device sees it. The device raises DREQ when it has or wants bytes;
 * when the controller serves the channel, at once or after the guest has unmasked it, it calls the
 * device's grant function, and the device moves what it can with dma_transfer(). A device with a
 * clock of its own (sound) may call dma_transfer() whenever it likes while DREQ is up. The end of
 * the guest's buffer comes back as TC, terminal count.
 */
#pragma once

#include "kernel/base/types.h"

enum dma_way { DMA_TO_MEMORY, DMA_FROM_MEMORY };

struct dma_controller {
	void (*attach)(void *ctx, unsigned channel, void (*grant)(void *dev), void *dev);
	void (*request)(void *ctx, unsigned channel, bool on);
	u32 (*transfer)(void *ctx, unsigned channel, enum dma_way way, void *buf, u32 n, bool *tc);
	void *ctx;
};

struct dma_line {
	const struct dma_controller *controller; /* NULL: no channel is wired to the device */
	unsigned channel;
};

/* Once, by the device's init. grant must do a bounded amount of work and may change DREQ. */
static inline void dma_attach(const struct dma_line *l, void (*grant)(void *dev), void *dev)
{
	if (l->controller)
		l->controller->attach(l->controller->ctx, l->channel, grant, dev);
}

/* Drives DREQ. grant may be called before this returns. */
static inline void dma_request(const struct dma_line *l, bool on)
{
	if (l->controller)
		l->controller->request(l->controller->ctx, l->channel, on);
}

/*
 * Moves up to n bytes of buf, an even number on a 16-bit channel. Returns how many the controller
 * took or gave: 0 while it does not serve the channel, and fewer than n if TC comes first; *tc says
 * whether it came. The guest chose the direction when it programmed the channel: if that is the
 * other one, or "verify", the bytes are counted and go nowhere, and what the device reads is FFh.
 */
static inline u32 dma_transfer(const struct dma_line *l, enum dma_way way, void *buf, u32 n,
			       bool *tc)
{
	*tc = false;
	return l->controller
		       ? l->controller->transfer(l->controller->ctx, l->channel, way, buf, n, tc)
		       : 0;
}
