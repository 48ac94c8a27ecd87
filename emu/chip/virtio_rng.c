/* SPDX-License-Identifier: MIT */
/*
 * A buffer gets RNG_PIECE bytes at most, and all of them together RNG_QUOTA in RNG_PERIOD: 400 KiB
 * a second. A guest that reads without end keeps its own processor busy and no one else's, and gets
 * what seeds any generator at once. A buffer need not be filled to its end (5.4.6.1).
 */
#include "emu/chip/virtio_rng.h"

#include "emu/snap/snap.h"

#define RNG_PIECE  256u
#define RNG_QUOTA  4096u
#define RNG_PERIOD 10000000ull /* ns */

static struct virtio_rng *of(struct virtio *v)
{
	return container_of(v, struct virtio_rng, v);
}

/* False: that is all for now. */
static bool fill_one(struct virtio_rng *r, struct virtqueue *q)
{
	struct virtq_chain *c = &r->chain;
	u8 bytes[RNG_PIECE];
	u32 n;

	if (!r->left) {
		virtq_listen(q, false);
		if (!vtimer_armed(&r->refill))
			vtimer_arm(r->timers, &r->refill, vtimers_now(r->timers) + RNG_PERIOD);
		return false;
	}
	if (!virtq_take(q, c))
		return !q->fault && virtq_listen(q, true);
	if (!c->writable || c->readable) {
		q->fault = VIRTQ_REQUEST;
		return false;
	}
	n = (u32)MIN(c->writable, (u64)MIN(RNG_PIECE, r->left));
	r->v.host->entropy(r->v.host->ctx, bytes, n);
	virtq_write(q, c, 0, bytes, n);
	r->left -= n;
	virtio_give(&r->v, 0, c->head, n);
	return true;
}

/* The quota bounds it: a chain takes a byte of it at least. */
static bool serve(struct virtio *v, unsigned n)
{
	while (fill_one(of(v), &v->queue[n]))
		;
	virtio_interrupt(v, n);
	return false;
}

static void refill(void *ctx, u64 now)
{
	struct virtio_rng *r = ctx;

	(void)now;
	r->left = RNG_QUOTA;
	virtio_kick(&r->v, 0);
}

/* What was used up stays so: a reset is no way to more. */
static void forget(struct virtio *v)
{
	(void)v;
}

static const struct virtio_type type = {
	.name = "virtio-rng",
	.id = VIRTIO_ID_ENTROPY,
	.transitional = VIRTIO_TRANSITIONAL + 5,
	.class_code = 0x00ff00,
	.queues = 1,
	.serve = serve,
	.reset = forget,
};

static void rng_reset(void *dev)
{
	struct virtio_rng *r = dev;

	vtimer_cancel(r->timers, &r->refill);
	r->left = RNG_QUOTA;
	virtio_power_on(&r->v);
}

static int rng_init(void *dev, const struct device_bay *bay)
{
	struct virtio_rng *r = dev;
	int err = virtio_init(&r->v, &type, bay);

	r->timers = bay->timers;
	vtimer_init(&r->refill, refill, r);
	if (!err)
		rng_reset(r);
	return err;
}

static void rng_destroy(void *dev)
{
	virtio_destroy(&((struct virtio_rng *)dev)->v);
}

static void rng_state(void *dev, struct snap *s)
{
	struct virtio_rng *r = dev;

	virtio_state(&r->v, s);
	snap_range(s, r->left, 0, RNG_QUOTA);
	vtimer_state(r->timers, &r->refill, s);
}

static u64 rng_wakes_at(const void *dev)
{
	return vtimer_due(&((const struct virtio_rng *)dev)->refill);
}

const struct device_class virtio_rng_class = {
	.name = "virtio-rng",
	.version = 1,
	.size = sizeof(struct virtio_rng),
	.init = rng_init,
	.reset = rng_reset,
	.destroy = rng_destroy,
	.state = rng_state,
	.unsaved = DEVICE_PART(struct virtio_rng, chain, chain),
	.wakes_at = rng_wakes_at,
	.title = "virtio entropy",
	.file = "virtio_rng.c",
	.has = "up to 256 bytes for each buffer, 400 KiB a second in all",
	.lacks = "nothing",
};
