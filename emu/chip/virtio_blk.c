/* SPDX-License-Identifier: MIT */
/*
 * A request is a chain: type(32) 0(32) sector(64), then data, and last a byte for the status.
 *
 *      take ... step: the next DISK_MAX sectors are submitted ... done -> step ... -> status, give
 *
 * How a chain is divided into buffers says nothing. Where the medium is in memory its sectors are
 * copied between it and the guest's. Otherwise a request of any length goes through one buffer in
 * pieces, each of them a completion of its own. A driver that did not agree upon FLUSH expects
 * that what is written is safe (5.2.6.2): its writes end with one.
 */
#include "emu/chip/virtio_blk.h"

#include "emu/dev/drives.h"
#include "emu/snap/snap.h"
#include "kernel/base/alloc.h"
#include "kernel/base/bytes.h"
#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define F_SEGMENTS     BIT64(2)
#define F_GEOMETRY     BIT64(4)
#define F_READ_ONLY    BIT64(5)
#define F_BLOCK_SIZE   BIT64(6)
#define F_FLUSH	       BIT64(9)
#define F_WRITE_ZEROES BIT64(14)

/* Configuration. */
#define CAPACITY	0
#define SEGMENTS	12
#define CYLINDERS	16
#define HEADS		18
#define SECTORS		19
#define BLOCK_SIZE	20
#define ZEROES_SECTORS	48
#define ZEROES_SEGMENTS 52
#define CONFIG_SIZE	60

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_WRITE_ZEROES = 13 };
enum { S_OK, S_IOERR, S_UNSUPPORTED };

#define HEADER	     16u
#define ZEROES	     16u      /* sector(64) count(32) flags(32: bit 0 unmap) */
#define ZEROES_MAX   0x10000u /* sectors of one request */
#define ID_SIZE	     20u
#define PIECE	     (DISK_MAX * DISK_SECTOR)
#define STRAIGHT_MAX 256u /* sectors that one request moves in one go */
#define BUDGET	     16u  /* requests in one call */
#define CHS_HEADS    16u
#define CHS_SECTORS  63u

static struct virtio_blk *of(struct virtio *v)
{
	return container_of(v, struct virtio_blk, v);
}

static struct virtq_chain *chain_of(struct virtio_blk *b, const struct blk_request *r)
{
	return &b->work.chain[r - b->request];
}

/* --- The end of a request */

/* written: data bytes before the status. */
static void finish(struct virtio_blk *b, struct blk_request *r, u8 status, u64 written)
{
	struct virtqueue *q = &b->v.queue[0];

	virtq_write(q, chain_of(b, r), chain_of(b, r)->writable - 1, &status, 1);
	*r = (struct blk_request){ .taken = false };
	virtio_give(&b->v, 0, chain_of(b, r)->head, (u32)(written + 1));
}

static void get_id(struct virtio_blk *b, struct blk_request *r)
{
	u8 id[ID_SIZE] = { 0 };
	u32 n = (u32)MIN(chain_of(b, r)->writable - 1, (u64)ID_SIZE);

	fmt_print((char *)id, sizeof(id), "RLV%05u", b->unit + 1);
	virtq_write(&b->v.queue[0], chain_of(b, r), 0, id, n);
	finish(b, r, S_OK, n);
}

/* --- Its pieces */

static struct disk_request *transfer(struct virtio_blk *b, const struct blk_request *r)
{
	return &b->work.disk[r - b->request];
}

/* Bytes that lie at at in the medium. Whatever a loaded chain lacks is zero. */
static void move_straight(struct virtio_blk *b, struct blk_request *r, u8 *at, u32 n)
{
	struct virtqueue *q = &b->v.queue[0];
	u32 got = 0;

	if (r->type == T_IN) {
		virtq_write(q, chain_of(b, r), r->done, at, n);
	} else {
		if (r->type == T_OUT)
			got = virtq_read(q, chain_of(b, r), HEADER + r->done, at, n);
		memset(at + got, 0, n - got);
	}
	r->done += n;
}

/* Sectors of a medium in memory, in one copy. False: there are more of them, and a completion goes
 * on, as the guest has to run in between. */
static bool go_straight(struct virtio_blk *b, struct blk_request *r)
{
	const struct disk_port *port = &b->work.port;
	u32 room = STRAIGHT_MAX;

	while (r->done < r->bytes) {
		u64 sector = r->sector + r->done / DISK_SECTOR;
		u32 n = (u32)MIN((r->bytes - r->done) / DISK_SECTOR, (u64)room);
		u8 *at;

		if (!room) {
			completion_post(b->v.completions, &b->work.again);
			return false;
		}
		at = r->type == T_IN ? (u8 *)(hva_t)disk_readable(port, sector, &n)
				     : disk_writable(port, sector, &n);
		if (!at)
			return true;
		move_straight(b, r, at, n * DISK_SECTOR);
		room -= n;
	}
	return true;
}

/* Moves what it can, and submits what comes next. */
static void step(struct virtio_blk *b, struct blk_request *r)
{
	struct disk_request *d = transfer(b, r);
	u32 n;

	if (!go_straight(b, r))
		return;
	n = (u32)MIN(r->bytes - r->done, (u64)PIECE);
	if (!n && !r->flush) {
		finish(b, r, S_OK, r->type == T_IN ? r->bytes : 0);
		return;
	}
	d->op = !n ? DISK_FLUSH : r->type == T_IN ? DISK_READ : DISK_WRITE;
	d->sector = r->sector + r->done / DISK_SECTOR;
	d->sectors = n / DISK_SECTOR;
	if (n && r->type == T_OUT)
		virtq_read(&b->v.queue[0], chain_of(b, r), HEADER + r->done, d->data, n);
	else if (n && r->type == T_WRITE_ZEROES)
		memset(d->data, 0, n);
	disk_submit(&b->work.port, d);
}

static void piece_done(struct virtio_blk *b, struct blk_request *r)
{
	const struct disk_request *d = transfer(b, r);

	if (d->result != DISK_OK) {
		finish(b, r, S_IOERR, 0);
		return;
	}
	if (d->op == DISK_FLUSH) {
		r->flush = false;
	} else {
		if (d->op == DISK_READ)
			virtq_write(&b->v.queue[0], chain_of(b, r), r->done, d->data,
				    d->sectors * DISK_SECTOR);
		r->done += d->sectors * DISK_SECTOR;
	}
	step(b, r);
}

static void disk_done(void *dev, struct disk_request *d)
{
	struct virtio_blk *b = dev;

	piece_done(b, &b->request[d - b->work.disk]);
	if (b->stalled)
		virtio_kick(&b->v, 0);
	virtio_interrupt(&b->v, 0);
}

/* --- Its beginning */

static bool in_range(const struct virtio_blk *b, u64 sector, u64 sectors)
{
	const struct disk_backend *d = b->work.port.backend;

	return d && sector <= d->sectors && sectors <= d->sectors - sector;
}

/* What it has to move, or the status that it ends with at once. */
static u8 plan_data(struct virtio_blk *b, struct blk_request *r, u64 bytes)
{
	bool write = r->type != T_IN;

	if (bytes % DISK_SECTOR || !in_range(b, r->sector, bytes / DISK_SECTOR) ||
	    (write && b->work.port.backend->read_only))
		return S_IOERR;
	r->bytes = bytes;
	r->flush = write && !virtio_has(&b->v, F_FLUSH);
	return S_OK;
}

static u8 plan_zeroes(struct virtio_blk *b, struct blk_request *r)
{
	u8 range[ZEROES];
	u32 sectors;

	if (chain_of(b, r)->readable != HEADER + ZEROES)
		return S_IOERR;
	virtq_read(&b->v.queue[0], chain_of(b, r), HEADER, range, sizeof(range));
	r->sector = get_le32(range) | (u64)get_le32(range + 4) << 32;
	sectors = get_le32(range + 8);
	if (get_le32(range + 12) & ~1u)
		return S_UNSUPPORTED;
	return sectors > ZEROES_MAX ? S_IOERR : plan_data(b, r, (u64)sectors * DISK_SECTOR);
}

static u8 plan(struct virtio_blk *b, struct blk_request *r)
{
	switch (r->type) {
	case T_IN:
		return plan_data(b, r, chain_of(b, r)->writable - 1);
	case T_OUT:
		return plan_data(b, r, chain_of(b, r)->readable - HEADER);
	case T_FLUSH:
		r->flush = true;
		return S_OK;
	case T_WRITE_ZEROES:
		return plan_zeroes(b, r);
	default:
		return S_UNSUPPORTED;
	}
}

/* False: the chain holds no request. */
static bool begin(struct virtio_blk *b, struct blk_request *r)
{
	const struct virtq_chain *c = chain_of(b, r);
	u8 header[HEADER], status;

	if (c->readable < HEADER || !c->writable)
		return false;
	virtq_read(&b->v.queue[0], c, 0, header, sizeof(header));
	*r = (struct blk_request){ .taken = true,
				   .type = get_le32(header),
				   .sector = get_le32(header + 8) | (u64)get_le32(header + 12)
									    << 32 };
	status = r->type == T_GET_ID ? S_OK : plan(b, r);
	if (r->type == T_GET_ID)
		get_id(b, r);
	else if (status == S_OK) /* no data moves inside the access that kicks */
		completion_post(b->v.completions, &b->work.again);
	else
		finish(b, r, status, 0);
	return true;
}

/* --- The queue */

static struct blk_request *free_request(struct virtio_blk *b)
{
	for (unsigned i = 0; i < BLK_REQUESTS; i++)
		if (!b->request[i].taken)
			return &b->request[i];
	return NULL;
}

/* False: there is no more to do now. */
static bool take_one(struct virtio_blk *b, struct virtqueue *q)
{
	struct blk_request *r = free_request(b);

	b->stalled = !r;
	if (!r) {
		virtq_listen(q, false);
		return false;
	}
	if (!virtq_take(q, chain_of(b, r)))
		return !q->fault && virtq_listen(q, true);
	if (!begin(b, r))
		q->fault = VIRTQ_REQUEST;
	return true;
}

/* Requests that end at once take no room, but their time. */
static bool serve(struct virtio *v, unsigned n)
{
	bool more = true;

	for (unsigned i = 0; i < BUDGET && more; i++)
		more = take_one(of(v), &v->queue[n]);
	virtio_interrupt(v, n);
	return more;
}

/* --- Device */

static void forget(struct virtio *v)
{
	struct virtio_blk *b = of(v);

	disk_cancel_all(&b->work.port);
	completion_cancel(v->completions, &b->work.again);
	memset(b->request, 0, sizeof(b->request));
	b->stalled = false;
}

static const struct virtio_type type = {
	.name = "virtio-blk",
	.id = VIRTIO_ID_BLOCK,
	.transitional = VIRTIO_TRANSITIONAL + 1,
	.class_code = 0x010000,
	.queues = 1,
	.features = F_SEGMENTS | F_GEOMETRY | F_BLOCK_SIZE | F_FLUSH | F_WRITE_ZEROES,
	.config_size = CONFIG_SIZE,
	.serve = serve,
	.reset = forget,
};

static void fill_config(struct virtio_blk *b)
{
	u64 sectors = b->work.port.backend->sectors;
	u64 cylinders = MIN(sectors / (CHS_HEADS * CHS_SECTORS), 16383ull);
	u8 *c = b->v.config;

	put_le32(c + CAPACITY, (u32)sectors);
	put_le32(c + CAPACITY + 4, (u32)(sectors >> 32));
	put_le32(c + SEGMENTS, VIRTQ_SIZE - 2);
	put_le16(c + CYLINDERS, (u32)cylinders);
	c[HEADS] = CHS_HEADS;
	c[SECTORS] = CHS_SECTORS;
	put_le32(c + BLOCK_SIZE, DISK_SECTOR);
	put_le32(c + ZEROES_SECTORS, ZEROES_MAX);
	put_le32(c + ZEROES_SEGMENTS, 1);
	b->v.extra = b->work.port.backend->read_only ? F_READ_ONLY : 0;
}

static void step_again(void *ctx)
{
	struct virtio_blk *b = ctx;

	for (unsigned i = 0; i < BLK_REQUESTS; i++)
		if (b->request[i].taken && !b->work.disk[i].pending)
			step(b, &b->request[i]);
	if (b->stalled)
		virtio_kick(&b->v, 0);
	virtio_interrupt(&b->v, 0);
}

static int blk_init(void *dev, const struct device_bay *bay)
{
	struct virtio_blk *b = dev;
	const struct drive *place = &bay->drives[PLACE_VIRTIO0 + bay->slot->unit];
	int err;

	b->unit = bay->slot->unit;
	b->work.again = (struct completion){ .run = step_again, .ctx = b };
	b->work.buffers = mem_alloc((size_t)BLK_REQUESTS * PIECE);
	if (!b->work.buffers)
		return E_NOMEM;
	for (unsigned i = 0; i < BLK_REQUESTS; i++)
		b->work.disk[i] = (struct disk_request){
			.done = disk_done, .dev = b, .data = b->work.buffers + (size_t)i * PIECE
		};
	err = disk_open(&b->work.port, place->backend, bay->completions, NULL, b);
	if (!err)
		err = virtio_init(&b->v, &type, bay);
	if (err)
		return err;
	fill_config(b);
	virtio_power_on(&b->v);
	return 0;
}

static void blk_reset(void *dev)
{
	virtio_power_on(&((struct virtio_blk *)dev)->v);
}

static void blk_destroy(void *dev)
{
	struct virtio_blk *b = dev;

	if (b->v.completions)
		completion_cancel(b->v.completions, &b->work.again);
	disk_close(&b->work.port);
	virtio_destroy(&b->v);
	mem_free(b->work.buffers);
}

/* --- Saving: what is under way begins its piece again, here as where it is loaded */

static void stop_pieces(struct virtio_blk *b)
{
	bool any = false;

	for (unsigned i = 0; i < BLK_REQUESTS; i++) {
		any |= b->request[i].taken;
		disk_cancel(&b->work.port, &b->work.disk[i]);
	}
	if (any)
		completion_post(b->v.completions, &b->work.again);
}

static void request_state(struct virtio_blk *b, struct blk_request *r, struct snap *s)
{
	struct virtq_chain *c = chain_of(b, r);

	snap_bool(s, r->taken);
	if (!r->taken)
		return;
	snap_u32(s, r->type);
	snap_u64(s, r->sector);
	snap_u64(s, r->bytes);
	snap_u64(s, r->done);
	snap_bool(s, r->flush);
	snap_require(s, !(r->bytes % DISK_SECTOR) && !(r->done % DISK_SECTOR));
	snap_require(s, r->done <= r->bytes && in_range(b, r->sector, r->bytes / DISK_SECTOR));
	virtq_chain_state(c, s);
	snap_require(s, c->writable);
}

static void blk_state(void *dev, struct snap *s)
{
	struct virtio_blk *b = dev;

	virtio_state(&b->v, s);
	snap_bool(s, b->stalled);
	for (unsigned i = 0; i < BLK_REQUESTS; i++)
		request_state(b, &b->request[i], s);
	if (snap_ok(s))
		stop_pieces(b);
}

static bool blk_can_wake(const void *dev)
{
	const struct virtio_blk *b = dev;

	for (unsigned i = 0; i < BLK_REQUESTS; i++)
		if (b->request[i].taken)
			return true;
	return false;
}

const struct device_class virtio_blk_class = {
	.name = "virtio-blk",
	.version = 1,
	.size = sizeof(struct virtio_blk),
	.init = blk_init,
	.reset = blk_reset,
	.destroy = blk_destroy,
	.state = blk_state,
	/* Requests are submitted again. */
	.unsaved = DEVICE_PART(struct virtio_blk, work, work),
	.can_wake = blk_can_wake,
	.title = "virtio block",
	.file = "virtio_blk.c",
	.has = "registers of 0.9 and 1.0, INTx and MSI-X, read, write, flush, identity, write "
	       "zeroes, "
	       "read-only; writes are safe when they end for drivers without FLUSH",
	.lacks = "several queues, discard, topology, other sectors than 512; the medium does not "
		 "change",
};
