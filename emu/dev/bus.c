/* SPDX-License-Identifier: MIT */
/*
 * The port bus: which device answers which of the 65,536 ports. Claims do not overlap. Two look-ups
 * find the claim of any port: its page of 256 ports names a leaf, and the leaf the claim. An access
 * is handed on whole if one claim covers it and the device is that wide; else it is cut into
 * pieces, as the ISA bus does for 8-bit cards.
 *
 * Claims and leaves grow by doubling. A leaf that was once needed stays, so a guest that moves a
 * device about the ports (the PIIX4's PMBASE) takes at most 256 of them, 128 KiB.
 */
#include "emu/dev/bus.h"

#include "kernel/base/alloc.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define CLAIMS_MAX 0xffffu /* a leaf holds index + 1 in 16 bits */

void bus_init(struct bus *b)
{
	memset(b, 0, sizeof(*b));
	b->leaf = b->few_leaves;
	b->leaf_room = BUS_FEW_LEAVES;
	b->leaves = 1; /* nobody's */
	b->claim = b->few_claims;
	b->claim_room = BUS_FEW_CLAIMS;
}

void bus_destroy(struct bus *b)
{
	if (b->leaf != b->few_leaves)
		mem_free(b->leaf);
	if (b->claim != b->few_claims)
		mem_free(b->claim);
}

static struct bus_claim *find(const struct bus *b, u16 port)
{
	unsigned i = b->leaf[b->page[port / BUS_LEAF]].claim[port % BUS_LEAF];

	return i ? &b->claim[i - 1] : NULL;
}

/* Room for twice as many elements of that size; the array that *room has been of is freed, unless
 * it is few. NULL: there is no memory, and nothing has changed. */
static void *grow(void *array, void *few, unsigned *room, size_t size)
{
	void *more = mem_alloc(2 * *room * size);

	if (!more)
		return NULL;
	memcpy(more, array, *room * size);
	if (array != few)
		mem_free(array);
	*room *= 2;
	return more;
}

/* A leaf of its own for every page of [first, end). */
static int add_leaves(struct bus *b, u32 first, u32 end)
{
	for (u32 page = first / BUS_LEAF; page <= (end - 1) / BUS_LEAF; page++) {
		if (b->page[page])
			continue;
		if (b->leaves == b->leaf_room) {
			struct bus_leaf *more =
				grow(b->leaf, b->few_leaves, &b->leaf_room, sizeof(*more));

			if (!more)
				return E_NOMEM;
			b->leaf = more;
		}
		b->page[page] = (u16)b->leaves++;
	}
	return 0;
}

/* Index of a claim that is free. */
static int free_claim(struct bus *b, unsigned *index)
{
	for (*index = 0; b->released && *index < b->claims; ++*index) {
		if (!b->claim[*index].ops) {
			b->released--;
			return 0;
		}
	}
	*index = b->claims;
	if (b->claims == CLAIMS_MAX)
		return E_FULL;
	if (b->claims == b->claim_room) {
		struct bus_claim *more =
			grow(b->claim, b->few_claims, &b->claim_room, sizeof(*more));

		if (!more)
			return E_NOMEM;
		b->claim = more;
	}
	b->claims++;
	return 0;
}

static void set_ports(struct bus *b, const struct bus_claim *c, u16 value)
{
	for (u32 port = c->first; port < (u32)c->first + c->count; port++)
		b->leaf[b->page[port / BUS_LEAF]].claim[port % BUS_LEAF] = value;
}

int bus_claim(struct bus *b, u16 first, u16 count, const struct bus_ports *ops, void *dev,
	      const char *name)
{
	u32 end = (u32)first + count;
	unsigned i;
	int err;

	if (!count || end > 0x10000)
		return E_INVAL;
	for (u32 port = first; port < end; port++)
		if (find(b, (u16)port))
			return E_INVAL;
	err = add_leaves(b, first, end);
	if (!err)
		err = free_claim(b, &i);
	if (err)
		return err;
	b->claim[i] = (struct bus_claim){
		.first = first, .count = count, .ops = ops, .dev = dev, .name = name
	};
	set_ports(b, &b->claim[i], (u16)(i + 1));
	return 0;
}

void bus_claim_bulk(struct bus *b, u16 first, const struct bus_bulk *bulk)
{
	struct bus_claim *c = find(b, first);

	if (c && c->first == first)
		c->bulk = bulk;
}

void bus_release(struct bus *b, u16 first)
{
	struct bus_claim *c = find(b, first);

	if (!c || c->first != first)
		return;
	set_ports(b, c, 0);
	b->released++;
	*c = (struct bus_claim){ .ops = NULL };
}

void bus_accesses(const struct bus *b, const void *dev, u64 *reads, u64 *writes)
{
	*reads = *writes = 0;
	for (unsigned i = 0; i < b->claims; i++) {
		if (b->claim[i].dev != dev)
			continue;
		*reads += b->claim[i].reads;
		*writes += b->claim[i].writes;
	}
}

/* Does c answer an access of this size at port in one piece? */
static bool covers(const struct bus_claim *c, u16 port, unsigned size)
{
	unsigned width = c->ops->width ? c->ops->width : 4;

	return size <= width && (u32)port + size <= (u32)c->first + c->count;
}

static u32 size_mask(unsigned size)
{
	return size == 4 ? 0xffffffffu : (1u << (size * 8)) - 1;
}

u32 bus_read(struct bus *b, u16 port, unsigned size)
{
	struct bus_claim *c = find(b, port);

	if (c && covers(c, port, size)) {
		c->reads++;
		return c->ops->read(c->dev, (u16)(port - c->first), size) & size_mask(size);
	}
	if (size == 1) {
		b->unclaimed++;
		return 0xff;
	}

	unsigned half = size / 2;
	u32 low = bus_read(b, port, half);

	return low | bus_read(b, (u16)(port + half), half) << (half * 8);
}

void bus_write(struct bus *b, u16 port, unsigned size, u32 value)
{
	struct bus_claim *c = find(b, port);

	if (c && covers(c, port, size)) {
		c->writes++;
		c->ops->write(c->dev, (u16)(port - c->first), size, value & size_mask(size));
		return;
	}
	if (size == 1) {
		b->unclaimed++;
		return;
	}

	unsigned half = size / 2;

	bus_write(b, port, half, value & size_mask(half));
	bus_write(b, (u16)(port + half), half, value >> (half * 8));
}

u32 bus_read_many(struct bus *b, u16 port, unsigned size, void *to, u32 n)
{
	struct bus_claim *c = find(b, port);
	u32 v, done = 0;

	if (c && c->bulk && covers(c, port, size))
		done = c->bulk->read(c->dev, (u16)(port - c->first), size, to, n);
	if (done) {
		c->reads += done;
		return done;
	}
	v = bus_read(b, port, size);
	memcpy(to, &v, size);
	return 1;
}

u32 bus_write_many(struct bus *b, u16 port, unsigned size, const void *from, u32 n)
{
	struct bus_claim *c = find(b, port);
	u32 v = 0, done = 0;

	if (c && c->bulk && covers(c, port, size))
		done = c->bulk->write(c->dev, (u16)(port - c->first), size, from, n);
	if (done) {
		c->writes += done;
		return done;
	}
	memcpy(&v, from, size);
	bus_write(b, port, size, v);
	return 1;
}
