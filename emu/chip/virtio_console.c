/* SPDX-License-Identifier: MIT */
/*
 * What the guest says goes out byte by byte until the line is busy; the rest of the chain waits for
 * virtio_console_tx_ready(). What is typed comes a byte to a buffer, as it is typed.
 */
#include "emu/chip/virtio_console.h"

#include "emu/snap/snap.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

#define F_EMERGENCY BIT64(2)
#define EMERGENCY   8u /* of the configuration: columns(16) rows(16) ports(32) emergency(32) */
#define CONFIG_SIZE 12u

#define RX	 0u
#define TX	 1u
#define TX_PIECE 256u /* bytes in one call */

static struct virtio_console *of(struct virtio *v)
{
	return container_of(v, struct virtio_console, v);
}

static void send(struct virtio_console *c, u8 byte)
{
	c->busy = !c->v.host->serial_tx(c->v.host->ctx, VIRTIO_CONSOLE_PORT, byte);
}

/* The next chain, if the last one is through. False: there is none. */
static bool open_chain(struct virtio_console *c, struct virtqueue *q)
{
	while (!c->open) {
		if (virtq_take(q, &c->work.chain)) {
			c->open = true;
			c->at = 0;
			if (c->work.chain.writable)
				q->fault = VIRTQ_REQUEST;
		} else if (q->fault || !virtq_listen(q, true)) {
			return false;
		}
	}
	return !q->fault;
}

/* Up to n bytes of the chain; how many it was. It goes back when it is through. */
static u32 send_some(struct virtio_console *c, struct virtqueue *q, u32 n)
{
	u8 bytes[TX_PIECE];
	u32 got = virtq_read(q, &c->work.chain, c->at, bytes, n), sent = 0;

	while (sent < got && !c->busy)
		send(c, bytes[sent++]);
	c->at += sent;
	if (c->at < c->work.chain.readable)
		return sent;
	c->open = false;
	virtio_give(&c->v, TX, c->work.chain.head, 0);
	return sent;
}

/* A chain counts as a byte at least. */
static bool serve(struct virtio *v, unsigned n)
{
	struct virtio_console *c = of(v);
	struct virtqueue *q = &v->queue[n];
	u32 left = TX_PIECE;

	if (n == RX)
		return false;
	while (left && !c->busy && open_chain(c, q)) {
		u32 sent = send_some(c, q, left);

		left -= MAX(sent, 1u);
	}
	virtio_interrupt(v, n);
	return !left && !c->busy && !q->fault;
}

void virtio_console_tx_ready(struct virtio_console *c)
{
	c->busy = false;
	virtio_kick(&c->v, TX);
}

bool virtio_console_listens(const struct virtio_console *c)
{
	return (c->v.status & VIRTIO_DRIVER_OK) && virtio_is_live(&c->v, RX);
}

bool virtio_console_rx(struct virtio_console *c, u8 byte)
{
	struct virtqueue *q = &c->v.queue[RX];
	struct virtq_chain *chain = &c->work.input;

	if (!virtio_console_listens(c))
		return false;
	virtio_kick(&c->v, RX); /* as it was agreed upon */
	if (!virtq_take(q, chain)) {
		if (q->fault)
			virtio_break(&c->v, q->fault);
		return false;
	}
	if (!chain->writable || chain->readable) {
		q->fault = VIRTQ_REQUEST;
		virtio_break(&c->v, q->fault);
		return false;
	}
	virtq_write(q, chain, 0, &byte, 1);
	virtio_give(&c->v, RX, chain->head, 1);
	virtio_interrupt(&c->v, RX);
	return true;
}

/* 5.3.4: a character that works without queues. */
static void config_written(struct virtio *v)
{
	u8 byte = v->config[EMERGENCY];

	memset(v->config + EMERGENCY, 0, 4);
	send(of(v), byte);
}

static void forget(struct virtio *v)
{
	of(v)->open = false;
	of(v)->at = 0;
}

static const struct virtio_type type = {
	.name = "virtio-console",
	.id = VIRTIO_ID_CONSOLE,
	.transitional = VIRTIO_TRANSITIONAL + 3,
	.class_code = 0x078000,
	.queues = 2,
	.features = F_EMERGENCY,
	.config_size = CONFIG_SIZE,
	.writable = EMERGENCY,
	.writable_end = EMERGENCY + 4,
	.serve = serve,
	.reset = forget,
	.config_written = config_written,
};

static void console_reset(void *dev)
{
	struct virtio_console *c = dev;

	c->busy = false;
	virtio_power_on(&c->v);
}

static int console_init(void *dev, const struct device_bay *bay)
{
	struct virtio_console *c = dev;
	int err = virtio_init(&c->v, &type, bay);

	put_le32(c->v.config + 4, 1);
	if (!err)
		console_reset(c);
	return err;
}

static void console_destroy(void *dev)
{
	virtio_destroy(&((struct virtio_console *)dev)->v);
}

static void console_state(void *dev, struct snap *s)
{
	struct virtio_console *c = dev;

	virtio_state(&c->v, s);
	snap_bool(s, c->busy);
	snap_bool(s, c->open);
	snap_u64(s, c->at);
	if (c->open)
		virtq_chain_state(&c->work.chain, s);
}

static bool console_can_wake(const void *dev)
{
	return virtio_console_listens(dev);
}

const struct device_class virtio_console_class = {
	.name = "virtio-console",
	.version = 1,
	.size = sizeof(struct virtio_console),
	.init = console_init,
	.reset = console_reset,
	.destroy = console_destroy,
	.state = console_state,
	.unsaved = DEVICE_PART(struct virtio_console, work, work),
	.can_wake = console_can_wake,
	.title = "virtio console",
	.file = "virtio_console.c",
	.has = "one port, emergency write; the line's own pace",
	.lacks = "several ports, its size in characters",
};
