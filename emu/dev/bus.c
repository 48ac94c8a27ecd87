/* SPDX-License-Identifier: MIT */
/*
 * The port bus: which device answers which of the 65,536 ports. Claims are sorted and do not
 * overlap. Nearly all accesses go to ports below BUS_DIRECT, found by one table look-up; the others
 * by binary search. An access is handed on whole if one claim covers it and the device is that
 * wide; else it is cut into pieces, as the ISA bus does for 8-bit cards.
 */
#include "emu/dev/bus.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"

void bus_init(struct bus *b)
{
	memset(b, 0, sizeof(*b));
}

/* Index of the first claim that ends after port. */
static unsigned lower_bound(const struct bus *b, u16 port)
{
	unsigned lo = 0, hi = b->claims;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if ((u32)b->claim[mid].first + b->claim[mid].count <= port)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void rebuild_direct(struct bus *b)
{
	memset(b->direct, 0, sizeof(b->direct));
	for (unsigned i = 0; i < b->claims; i++) {
		u32 end = (u32)b->claim[i].first + b->claim[i].count;

		for (u32 p = b->claim[i].first; p < MIN(end, BUS_DIRECT); p++)
			b->direct[p] = (u8)(i + 1);
	}
}

int bus_claim(struct bus *b, u16 first, u16 count, const struct bus_ports *ops, void *dev,
	      const char *name)
{
	unsigned i = lower_bound(b, first);
	u32 end = (u32)first + count;

	if (!count || end > 0x10000 || (i < b->claims && b->claim[i].first < end))
		return E_INVAL;
	if (b->claims == BUS_MAX_CLAIMS)
		return E_FULL;
	memmove(&b->claim[i + 1], &b->claim[i], (b->claims - i) * sizeof(b->claim[0]));
	b->claim[i] = (struct bus_claim){
		.first = first, .count = count, .ops = ops, .dev = dev, .name = name
	};
	b->claims++;
	rebuild_direct(b);
	return 0;
}

void bus_release(struct bus *b, u16 first)
{
	unsigned i = lower_bound(b, first);

	if (i == b->claims || b->claim[i].first != first)
		return;
	b->claims--;
	memmove(&b->claim[i], &b->claim[i + 1], (b->claims - i) * sizeof(b->claim[0]));
	rebuild_direct(b);
}

static struct bus_claim *find(struct bus *b, u16 port)
{
	if (port < BUS_DIRECT)
		return b->direct[port] ? &b->claim[b->direct[port] - 1] : NULL;

	unsigned i = lower_bound(b, port);

	return i < b->claims && b->claim[i].first <= port ? &b->claim[i] : NULL;
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
