/* SPDX-License-Identifier: MIT */
/*
 * A frame is one chain, behind a header of which nothing is used: the device offers no work on
 * checksums or segments. Received frames wait outside, as far as there is room, until the driver
 * has given buffers. The card is promiscuous: it has no control queue by which a driver could
 * choose.
 */
#include "emu/chip/virtio_net.h"

#include "emu/snap/snap.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

#define F_MAC	 BIT64(5)
#define F_STATUS BIT64(16)

#define CONFIG_STATUS 6u /* behind the address */
#define CONFIG_SIZE   8u
#define LINK_UP	      1u

/* flags(8) gso type(8) length(16) gso size(16) checksum start(16) offset(16) buffers(16), which
 * drivers before 1.0 do not have without F_MRG_RXBUF. */
#define HEADER	    12u
#define HEADER_OLD  10u
#define HEADER_BUFS 10u

#define RX    0u
#define TX    1u
#define PIECE 16u /* frames in one call */

static struct virtio_net *of(struct virtio *v)
{
	return container_of(v, struct virtio_net, v);
}

static u32 header_size(const struct virtio *v)
{
	return virtio_has(v, VIRTIO_F_VERSION_1) ? HEADER : HEADER_OLD;
}

/* --- Sending */

/* False: there is none, or the queue is broken. Frames too long or too short are dropped, as those
 * of a card that counts errors. */
static bool send_one(struct virtio_net *n, struct virtqueue *q)
{
	const struct board_host *host = n->v.host;
	struct virtq_chain *c = &n->work.out;
	u32 header = header_size(&n->v), len;

	if (!virtq_take(q, c))
		return false;
	if (c->writable || c->readable < header) {
		q->fault = VIRTQ_REQUEST;
		return false;
	}
	len = virtq_read(q, c, header, n->work.frame, NIC_FRAME_MAX);
	if (c->readable - header == len && len >= NIC_FRAME_MIN && host->frame_out)
		host->frame_out(host->ctx, n->place, n->work.frame, len);
	virtio_give(&n->v, TX, c->head, 0);
	return true;
}

static bool send(struct virtio_net *n, struct virtqueue *q)
{
	for (unsigned i = 0; i < PIECE; i++) {
		if (send_one(n, q))
			continue;
		if (q->fault || !virtq_listen(q, true))
			return false;
	}
	return true;
}

/* --- Receiving */

/* Has it a chain for the next frame? */
static bool open_chain(struct virtio_net *n, struct virtqueue *q)
{
	struct virtq_chain *c = &n->work.in;

	while (!n->open) {
		if (virtq_take(q, c)) {
			n->open = true;
			if (c->readable || c->writable < header_size(&n->v))
				q->fault = VIRTQ_REQUEST;
		} else if (q->fault || !virtq_listen(q, true)) {
			return false;
		}
	}
	return !q->fault;
}

/* A frame for which the chain has no room is lost, and the chain waits for the next one. */
static void receive_one(struct virtio_net *n, struct virtqueue *q, u32 len)
{
	struct virtq_chain *c = &n->work.in;
	u32 header = header_size(&n->v);
	u8 bytes[HEADER] = { 0 };

	if (c->writable < header + len)
		return;
	put_le16(bytes + HEADER_BUFS, 1);
	virtq_write(q, c, 0, bytes, header);
	virtq_write(q, c, header, n->work.frame, len);
	n->open = false;
	virtio_give(&n->v, RX, c->head, header + len);
}

static u32 next_frame(struct virtio_net *n)
{
	const struct board_host *host = n->v.host;

	return host->frame_in ? host->frame_in(host->ctx, n->place, n->work.frame) : 0;
}

static bool receive(struct virtio_net *n, struct virtqueue *q)
{
	for (unsigned i = 0; i < PIECE; i++) {
		u32 len;

		if (!open_chain(n, q))
			return false;
		len = next_frame(n);
		if (!len)
			return false;
		receive_one(n, q, len);
	}
	return true;
}

static bool serve(struct virtio *v, unsigned q)
{
	bool more = q == TX ? send(of(v), &v->queue[q]) : receive(of(v), &v->queue[q]);

	virtio_interrupt(v, q);
	return more;
}

static bool listens(const struct virtio_net *n)
{
	return (n->v.status & VIRTIO_DRIVER_OK) && virtio_is_live(&n->v, RX);
}

/* What comes before there is a driver is lost: board_host.frame_in() has kept only so much. */
static void net_frames(void *dev)
{
	struct virtio_net *n = dev;

	if (listens(n)) {
		virtio_kick(&n->v, RX);
		return;
	}
	while (next_frame(n))
		;
}

/* --- The device */

/* A driver before 1.0 may write its address, and a card that hears all has no use for it. */
static void config_written(struct virtio *v)
{
	(void)v;
}

static void forget(struct virtio *v)
{
	of(v)->open = false;
}

static const struct virtio_type type = {
	.name = "virtio-net",
	.id = VIRTIO_ID_NETWORK,
	.transitional = VIRTIO_TRANSITIONAL,
	.class_code = 0x020000,
	.queues = 2,
	.features = F_MAC | F_STATUS,
	.config_size = CONFIG_SIZE,
	.writable_end = NIC_MAC,
	.serve = serve,
	.reset = forget,
	.config_written = config_written,
};

static void net_reset(void *dev)
{
	struct virtio_net *n = dev;

	memcpy(n->v.config, n->nic->mac, NIC_MAC);
	virtio_power_on(&n->v);
}

static int net_init(void *dev, const struct device_bay *bay)
{
	struct virtio_net *n = dev;
	int err = virtio_init(&n->v, &type, bay);

	n->place = bay->slot->unit;
	n->nic = &bay->nics[n->place];
	put_le16(n->v.config + CONFIG_STATUS, LINK_UP);
	if (!err)
		net_reset(n);
	return err;
}

static void net_destroy(void *dev)
{
	virtio_destroy(&((struct virtio_net *)dev)->v);
}

static void net_state(void *dev, struct snap *s)
{
	struct virtio_net *n = dev;

	virtio_state(&n->v, s);
	snap_bool(s, n->open);
	if (n->open)
		virtq_chain_state(&n->work.in, s);
}

static bool net_can_wake(const void *dev)
{
	return listens(dev);
}

const struct device_class virtio_net_class = {
	.name = "virtio-net",
	.version = 1,
	.size = sizeof(struct virtio_net),
	.init = net_init,
	.reset = net_reset,
	.destroy = net_destroy,
	.state = net_state,
	.unsaved = DEVICE_PART(struct virtio_net, work, work),
	.can_wake = net_can_wake,
	.frames = net_frames,
	.title = "virtio network card",
	.file = "virtio_net.c",
	.has = "frames of up to 1,518 bytes, both ways; hears all of them",
	.lacks = "control queue, checksums, segmentation, merged buffers, several queues",
};
