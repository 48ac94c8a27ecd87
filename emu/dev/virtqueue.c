/* SPDX-License-Identifier: MIT */
/*
 * Work for one chain is bounded: no more descriptors than the queue has entries, each looked at
 * once, in an indirect table too.
 */
#include "emu/dev/virtqueue.h"

#include "emu/dev/ram_dma.h"
#include "emu/snap/snap.h"
#include "kernel/base/bytes.h"
#include "kernel/base/string.h"

#define DESCRIPTOR    16u
#define DESC_NEXT     BIT(0)
#define DESC_WRITE    BIT(1)
#define DESC_INDIRECT BIT(2)

#define RING	     4u /* where both rings begin, behind flags and index */
#define INDEX	     2u
#define USED_ELEMENT 8u
#define NO_INTERRUPT BIT(0) /* flags of the available ring */
#define NO_NOTIFY    BIT(0) /* flags of the used ring */

struct descriptor {
	u64 at;
	u32 len;
	u16 flags, next;
};

const char *virtq_fault_text(enum virtq_fault fault)
{
	static const char *const text[VIRTQ_FAULTS] = {
		[VIRTQ_GOOD] = "nothing is wrong",
		[VIRTQ_ALIGNMENT] = "its rings are not aligned",
		[VIRTQ_RINGS] = "its rings are not in RAM",
		[VIRTQ_JUMP] = "its available index has jumped",
		[VIRTQ_NUMBER] = "a descriptor's number is too large",
		[VIRTQ_LONG] = "a chain is longer than the queue, or a loop",
		[VIRTQ_DIRECTION] = "a buffer to be read stands behind one to be written",
		[VIRTQ_BUFFER] = "a buffer is not in RAM",
		[VIRTQ_INDIRECT] = "an indirect descriptor stands where none may be",
		[VIRTQ_TABLE] = "an indirect table is not in RAM, or not of descriptors",
		[VIRTQ_REQUEST] = "a chain is too short for a request",
	};

	return text[fault];
}

static void fail(struct virtqueue *q, enum virtq_fault fault)
{
	if (!q->fault)
		q->fault = fault;
}

static u16 read16(const struct virtqueue *q, u64 at)
{
	u8 b[2];

	ram_dma_read(q->mem, at, b, sizeof(b));
	return get_le16(b);
}

static void write16(const struct virtqueue *q, u64 at, u16 v)
{
	u8 b[2];

	put_le16(b, v);
	ram_dma_write(q->mem, at, b, sizeof(b));
}

void virtq_reset(struct virtqueue *q, u16 size)
{
	*q = (struct virtqueue){ .size = size, .mem = q->mem };
}

/* Alignment: 2.7, table of minimum alignments. */
void virtq_check(struct virtqueue *q)
{
	u64 n = q->size;

	if (q->descriptors % DESCRIPTOR || q->available % 2 || q->used % 4)
		fail(q, VIRTQ_ALIGNMENT);
	else if (!ram_dma_covers(q->mem, q->descriptors, n * DESCRIPTOR) ||
		 !ram_dma_covers(q->mem, q->available, RING + 2 * n + 2) ||
		 !ram_dma_covers(q->mem, q->used, RING + USED_ELEMENT * n + 2))
		fail(q, VIRTQ_RINGS);
}

/* --- Taking */

static struct descriptor fetch(const struct virtqueue *q, u64 table, u32 n)
{
	u8 b[DESCRIPTOR];

	ram_dma_read(q->mem, table + (u64)n * DESCRIPTOR, b, sizeof(b));
	return (struct descriptor){ get_le32(b) | (u64)get_le32(b + 4) << 32, get_le32(b + 8),
				    get_le16(b + 12), get_le16(b + 14) };
}

static bool add(struct virtqueue *q, struct virtq_chain *c, const struct descriptor *d)
{
	bool write = d->flags & DESC_WRITE;

	if (c->buffers == q->size)
		fail(q, VIRTQ_LONG);
	else if (!write && c->writable)
		fail(q, VIRTQ_DIRECTION);
	else if (!ram_dma_covers(q->mem, d->at, d->len))
		fail(q, VIRTQ_BUFFER);
	if (q->fault)
		return false;
	c->buffer[c->buffers++] = (struct virtq_buffer){ d->at, d->len, write };
	*(write ? &c->writable : &c->readable) += d->len;
	return true;
}

/* The table, or that of an indirect descriptor, from entry n on. */
static bool follow(struct virtqueue *q, struct virtq_chain *c, u64 table, u32 entries, u32 n,
		   struct descriptor *last)
{
	for (;;) {
		if (n >= entries) {
			fail(q, VIRTQ_NUMBER);
			return false;
		}
		*last = fetch(q, table, n);
		if (last->flags & DESC_INDIRECT)
			return true;
		if (!add(q, c, last))
			return false;
		if (!(last->flags & DESC_NEXT))
			return true;
		n = last->next;
	}
}

/* An indirect descriptor ends the chain that it stands in; in its table is no other (2.7.5.3). */
static bool follow_indirect(struct virtqueue *q, struct virtq_chain *c, struct descriptor *d)
{
	u64 table = d->at;
	u32 bytes = d->len, entries = bytes / DESCRIPTOR;

	if (!q->indirect || (d->flags & DESC_NEXT)) {
		fail(q, VIRTQ_INDIRECT);
		return false;
	}
	if (!entries || bytes % DESCRIPTOR || !ram_dma_covers(q->mem, table, bytes)) {
		fail(q, VIRTQ_TABLE);
		return false;
	}
	if (!follow(q, c, table, entries, 0, d))
		return false;
	if (d->flags & DESC_INDIRECT)
		fail(q, VIRTQ_INDIRECT);
	return !q->fault;
}

bool virtq_take(struct virtqueue *q, struct virtq_chain *c)
{
	struct descriptor last;
	u16 waiting;

	if (q->fault || !q->ready)
		return false;
	waiting = (u16)(read16(q, q->available + INDEX) - q->next);
	if (!waiting)
		return false;
	if (waiting > q->size) {
		fail(q, VIRTQ_JUMP);
		return false;
	}
	c->head = read16(q, q->available + RING + 2u * (q->next % q->size));
	c->buffers = 0;
	c->readable = c->writable = 0;
	if (!follow(q, c, q->descriptors, q->size, c->head, &last))
		return false;
	if ((last.flags & DESC_INDIRECT) && !follow_indirect(q, c, &last))
		return false;
	q->next++;
	return true;
}

/* --- Giving back */

void virtq_put(struct virtqueue *q, u16 head, u32 len)
{
	u8 b[USED_ELEMENT];

	if (q->fault || !q->ready)
		return;
	put_le32(b, head);
	put_le32(b + 4, len);
	ram_dma_write(q->mem, q->used + RING + USED_ELEMENT * (q->done % q->size), b, sizeof(b));
	write16(q, q->used + INDEX, ++q->done);
}

/* 2.7.10: the event is among those between the last look and now. */
bool virtq_interrupts(struct virtqueue *q)
{
	u16 before = q->told, event;

	q->told = q->done;
	if (q->fault || !q->ready || before == q->done)
		return false;
	if (!q->event_index)
		return !(read16(q, q->available) & NO_INTERRUPT);
	event = read16(q, q->available + RING + 2u * q->size);
	return (u16)(q->done - event - 1) < (u16)(q->done - before);
}

bool virtq_listen(struct virtqueue *q, bool on)
{
	if (q->fault || !q->ready)
		return false;
	if (q->event_index) {
		if (on)
			write16(q, q->used + RING + USED_ELEMENT * q->size, q->next);
	} else if (q->deaf == on) {
		write16(q, q->used, (u16)(on ? 0 : NO_NOTIFY));
	}
	q->deaf = !on;
	return on && read16(q, q->available + INDEX) != q->next;
}

/* --- Buffers */

typedef void (*move_fn)(const struct virtqueue *q, u64 at, u8 *buf, u32 n);

static void move_out(const struct virtqueue *q, u64 at, u8 *buf, u32 n)
{
	ram_dma_read(q->mem, at, buf, n);
}

static void move_in(const struct virtqueue *q, u64 at, u8 *buf, u32 n)
{
	ram_dma_write(q->mem, at, buf, n);
}

static u32 move(const struct virtqueue *q, const struct virtq_chain *c, bool write, u64 offset,
		u8 *buf, u32 n)
{
	const move_fn one = write ? move_in : move_out;
	u32 done = 0;

	for (unsigned i = 0; i < c->buffers && done < n; i++) {
		const struct virtq_buffer *b = &c->buffer[i];
		u32 piece;

		if (b->write != write)
			continue;
		if (offset >= b->len) {
			offset -= b->len;
			continue;
		}
		piece = MIN(n - done, b->len - (u32)offset);
		one(q, b->at + offset, buf + done, piece);
		done += piece;
		offset = 0;
	}
	return done;
}

u32 virtq_read(const struct virtqueue *q, const struct virtq_chain *c, u64 offset, void *buf, u32 n)
{
	return move(q, c, false, offset, buf, n);
}

u32 virtq_write(const struct virtqueue *q, const struct virtq_chain *c, u64 offset, const void *buf,
		u32 n)
{
	return move(q, c, true, offset, (u8 *)(hva_t)buf, n);
}

/* Buffers that are not in RAM do no harm: what is written there is lost. */
void virtq_chain_state(struct virtq_chain *c, struct snap *s)
{
	snap_u16(s, c->head);
	snap_range(s, c->buffers, 0, VIRTQ_SIZE);
	if (s->loading)
		c->readable = c->writable = 0;
	for (unsigned i = 0; i < c->buffers; i++) {
		struct virtq_buffer *b = &c->buffer[i];

		snap_u64(s, b->at);
		snap_u32(s, b->len);
		snap_bool(s, b->write);
		if (s->loading)
			*(b->write ? &c->writable : &c->readable) += b->len;
	}
}
