/* SPDX-License-Identifier: MIT */
/*
 * The two 8237A. A channel's address is
 *
 *   0..3   page(8) address(16)          page does not change: address wraps within 64 KiB
 *   5..7   page(7) address(16) 0        page bit 0 is not wired; words, within 128 KiB
 *
 * so that all of it lies below 16 MiB. count is one less than the number of transfers; after the
 * last one, terminal count, either both registers are loaded from their bases (auto-initialise) or
 * the channel is masked. Data sheet: "Auto-initialize", "Register description".
 *
 * The controller moves what its device offers, at once: single, demand and block mode differ in who
 * else gets the bus meanwhile, which nobody can see here. DMA reaches RAM and ROM, not the memory
 * of other devices. Not there, as on PCs: memory-to-memory transfers (page registers give one page
 * to each device's channel). A software request shows in the status register and moves nothing:
 * without DACK no device drives the bus.
 */
#include "emu/chip/i8237.h"

#include "emu/mem/gpmem.h"
#include "emu/snap/snap.h"
#include "kernel/base/string.h"

enum {
	COMMAND_STATUS = 8,
	REQUEST,
	SINGLE_MASK,
	MODE,
	CLEAR_FLIP_FLOP,
	MASTER_CLEAR,
	CLEAR_MASK,
	ALL_MASK
};

#define COMMAND_DISABLE	  0x04
#define COMMAND_DREQ_LOW  0x40 /* a PC's DREQ is active high, its DACK active low */
#define COMMAND_DACK_HIGH 0x80

/* mode: SELECT DECREMENT AUTO TYPE channel */
#define MODE_SELECT    0xc0
#define MODE_CASCADE   0xc0
#define MODE_DECREMENT 0x20
#define MODE_AUTO      0x10
#define MODE_TYPE      0x0c
#define MODE_WRITE     0x04 /* to memory */
#define MODE_READ      0x08

#define CASCADE 4 /* the channel of the second controller that serves the first */

static void master_clear(struct i8237 *c)
{
	c->command = c->status = c->request = 0;
	c->mask = 0x0f;
	c->high_byte = false;
}

/* --- Who is served */

static struct i8237_channel *channel(struct i8237_pair *p, unsigned n)
{
	return &p->chip[n >> 2].ch[n & 3];
}

static bool works(const struct i8237 *c)
{
	return !(c->command & (COMMAND_DISABLE | COMMAND_DREQ_LOW | COMMAND_DACK_HIGH));
}

static bool channel_open(const struct i8237_pair *p, unsigned n)
{
	const struct i8237 *c = &p->chip[n >> 2];

	return works(c) && !(c->mask & BIT(n & 3));
}

static bool cascades(const struct i8237_pair *p)
{
	return channel_open(p, CASCADE) && (p->chip[1].ch[0].mode & MODE_SELECT) == MODE_CASCADE;
}

static bool served(const struct i8237_pair *p, unsigned n)
{
	const struct i8237 *c = &p->chip[n >> 2];

	return (c->dreq & BIT(n & 3)) && channel_open(p, n) &&
	       (c->ch[n & 3].mode & MODE_SELECT) != MODE_CASCADE && (n > CASCADE || cascades(p));
}

static u8 all_served(const struct i8237_pair *p)
{
	u8 set = 0;

	for (unsigned n = 0; n < 8; n++)
		set |= (u8)(served(p, n) << n);
	return set;
}

/* A device that makes its own channel be served again goes on by itself: one grant is enough. */
static void grant(struct i8237_pair *p, unsigned n)
{
	if (p->granting || !served(p, n) || !p->user[n].grant)
		return;
	p->granting = true;
	p->user[n].grant(p->user[n].dev);
	p->granting = false;
}

static void i8237_attach(void *ctx, unsigned n, void (*granted)(void *dev), void *dev)
{
	struct i8237_pair *p = ctx;

	p->user[n & 7] = (struct i8237_user){ .grant = granted, .dev = dev };
}

static void i8237_request(void *ctx, unsigned n, bool on)
{
	struct i8237_pair *p = ctx;
	struct i8237 *c = &p->chip[n >> 2 & 1];
	u8 bit = (u8)BIT(n & 3);

	c->dreq = (u8)(on ? c->dreq | bit : c->dreq & ~bit);
	if (on)
		grant(p, n & 7);
}

/* --- Transfers */

static gpa_t address(const struct i8237_pair *p, unsigned n, u16 at)
{
	/* Ports 87h, 83h, 81h, 82h; 8Fh, 8Bh, 89h, 8Ah. */
	static const u8 page[8] = { 7, 3, 1, 2, 15, 11, 9, 10 };
	u32 high = p->page[page[n]];

	return n < 4 ? high << 16 | at : (high & 0xfe) << 16 | (u32)at << 1;
}

/* Device memory is not reached: a device must not be entered while another one works. */
static void move(struct i8237_pair *p, gpa_t at, enum dma_way way, u8 *buf, u32 n)
{
	while (n) {
		u32 piece = MIN(n, PAGE_SIZE - (u32)(at & (PAGE_SIZE - 1)));
		const struct gpmem_region *r = gpmem_find(p->mem, at);
		bool memory = r && r->kind != GPMEM_MMIO;

		if (way == DMA_TO_MEMORY && memory)
			gpmem_write_by_device(p->mem, at, buf, piece);
		else if (way == DMA_FROM_MEMORY && memory)
			gpmem_read(p->mem, at, buf, piece);
		else if (way == DMA_FROM_MEMORY)
			memset(buf, 0xff, piece);
		buf += piece;
		at += piece;
		n -= piece;
	}
}

static bool moves(const struct i8237_channel *ch, enum dma_way way)
{
	return (ch->mode & MODE_TYPE) == (way == DMA_TO_MEMORY ? MODE_WRITE : MODE_READ);
}

static void terminal_count(struct i8237 *c, unsigned n)
{
	struct i8237_channel *ch = &c->ch[n];
	u8 bit = (u8)BIT(n);

	c->status |= bit;
	c->request &= (u8)~bit;
	if (ch->mode & MODE_AUTO) {
		ch->address = ch->base_address;
		ch->count = ch->base_count;
	} else {
		c->mask |= bit;
	}
}

/* Units that follow each other upwards in memory, without a wrap, and without TC but for the
 * last. */
static u32 run_length(const struct i8237_channel *ch, u32 units)
{
	u32 run = MIN(units, ch->count + 1u);

	return ch->mode & MODE_DECREMENT ? 1 : MIN(run, 0x10000u - ch->address);
}

static u32 i8237_transfer(void *ctx, unsigned n, enum dma_way way, void *buf, u32 bytes, bool *tc)
{
	struct i8237_pair *p = ctx;
	struct i8237_channel *ch = channel(p, n & 7);
	unsigned shift = n >= 4;
	u32 units = bytes >> shift, done = 0;

	if (!served(p, n & 7))
		return 0;
	while (done < units && !*tc) {
		u32 run = run_length(ch, units - done);
		u8 *at = (u8 *)buf + (done << shift);

		if (moves(ch, way))
			move(p, address(p, n & 7, ch->address), way, at, run << shift);
		else if (way == DMA_FROM_MEMORY)
			memset(at, 0xff, run << shift);
		*tc = run > ch->count;
		ch->count = (u16)(ch->count - run);
		ch->address =
			(u16)(ch->mode & MODE_DECREMENT ? ch->address - run : ch->address + run);
		done += run;
	}
	if (*tc)
		terminal_count(&p->chip[n >> 2 & 1], n & 3);
	return done << shift;
}

/* --- Registers */

/* Requests as the chip sees them, of devices and software; the first one's come in at channel 4. */
static u8 requests(const struct i8237_pair *p, const struct i8237 *c)
{
	u8 lines = (u8)(c->command & COMMAND_DREQ_LOW ? ~c->dreq & 0x0f : c->dreq);

	if (c == &p->chip[1] && works(&p->chip[0]) && (requests(p, &p->chip[0]) & ~p->chip[0].mask))
		lines |= BIT(0);
	return lines | c->request;
}

static u8 chip_read(struct i8237_pair *p, struct i8237 *c, unsigned reg)
{
	u8 v;

	if (reg < 8) {
		const struct i8237_channel *ch = &c->ch[reg / 2];
		u16 r = reg & 1 ? ch->count : ch->address;

		v = (u8)(c->high_byte ? r >> 8 : r);
		c->high_byte = !c->high_byte;
		return v;
	}
	switch (reg) {
	case COMMAND_STATUS:
		v = (u8)(requests(p, c) << 4 | c->status);
		c->status = 0; /* terminal counts are cleared by the read */
		return v;
	case MASTER_CLEAR: /* temporary register: of memory-to-memory transfers */
		return 0;
	case ALL_MASK:
		return (u8)(0xf0 | c->mask);
	default:
		return 0xff;
	}
}

static void write_half(u16 *r, bool high, u8 v)
{
	*r = (u16)(high ? (*r & 0x00ff) | v << 8 : (*r & 0xff00) | v);
}

static void write_channel(struct i8237 *c, unsigned reg, u8 v)
{
	struct i8237_channel *ch = &c->ch[reg / 2];

	write_half(reg & 1 ? &ch->base_count : &ch->base_address, c->high_byte, v);
	write_half(reg & 1 ? &ch->count : &ch->address, c->high_byte, v);
	c->high_byte = !c->high_byte;
}

static void write_control(struct i8237 *c, unsigned reg, u8 v)
{
	u8 bit = (u8)BIT(v & 3);

	switch (reg) {
	case COMMAND_STATUS:
		c->command = v;
		break;
	case REQUEST:
		c->request = (u8)(v & 4 ? c->request | bit : c->request & ~bit);
		break;
	case SINGLE_MASK:
		c->mask = (u8)(v & 4 ? c->mask | bit : c->mask & ~bit);
		break;
	case MODE:
		c->ch[v & 3].mode = v & 0xfc;
		break;
	case CLEAR_FLIP_FLOP:
		c->high_byte = false;
		break;
	case MASTER_CLEAR:
		master_clear(c);
		break;
	case CLEAR_MASK:
		c->mask = 0;
		break;
	default:
		c->mask = v & 0x0f;
	}
}

/* A device whose request waited is told when its channel is served at last. */
static void chip_write(struct i8237_pair *p, struct i8237 *c, unsigned reg, u8 v)
{
	if (reg < 8) {
		write_channel(c, reg, v);
		return;
	}

	u8 before = all_served(p);

	write_control(c, reg, v);
	for (unsigned n = 0; n < 8; n++)
		if (!(before & BIT(n)))
			grant(p, n);
}

static u32 low_read(void *dev, u16 offset, unsigned size)
{
	struct i8237_pair *p = dev;

	(void)size;
	return chip_read(p, &p->chip[0], offset);
}

static void low_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8237_pair *p = dev;

	(void)size;
	chip_write(p, &p->chip[0], offset, (u8)value);
}

static u32 high_read(void *dev, u16 offset, unsigned size)
{
	struct i8237_pair *p = dev;

	(void)size;
	return offset & 1 ? 0xff : chip_read(p, &p->chip[1], offset / 2u);
}

static void high_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8237_pair *p = dev;

	(void)size;
	if (!(offset & 1))
		chip_write(p, &p->chip[1], offset / 2u, (u8)value);
}

static u32 page_read(void *dev, u16 offset, unsigned size)
{
	struct i8237_pair *p = dev;

	(void)size;
	return p->page[offset];
}

static void page_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8237_pair *p = dev;

	(void)size;
	p->page[offset] = (u8)value;
}

static const struct bus_ports low_ports = { low_read, low_write, 1 };
static const struct bus_ports high_ports = { high_read, high_write, 1 };
static const struct bus_ports page_ports = { page_read, page_write, 1 };

static void i8237_reset(void *dev)
{
	struct i8237_pair *p = dev;

	for (struct i8237 *c = p->chip; c < p->chip + 2; c++) {
		memset(c->ch, 0, sizeof(c->ch));
		master_clear(c);
	}
	memset(p->page, 0, sizeof(p->page));
	p->chip[1].ch[0].mode = MODE_CASCADE;
	p->chip[1].mask &= (u8)~BIT(0);
}

static int i8237_init(void *dev, const struct device_bay *bay)
{
	struct i8237_pair *p = dev;

	p->mem = bay->mem;
	p->controller = (struct dma_controller){ .attach = i8237_attach,
						 .request = i8237_request,
						 .transfer = i8237_transfer,
						 .ctx = p };
	i8237_reset(p);
	return 0;
}

/* DREQ is the devices' state; who is served has been, before. */
static void i8237_state(void *dev, struct snap *s)
{
	struct i8237_pair *p = dev;

	for (struct i8237 *c = p->chip; c < p->chip + 2; c++) {
		for (struct i8237_channel *ch = c->ch; ch < c->ch + 4; ch++) {
			snap_u16(s, ch->base_address);
			snap_u16(s, ch->address);
			snap_u16(s, ch->base_count);
			snap_u16(s, ch->count);
			snap_u8(s, ch->mode);
		}
		snap_u8(s, c->command);
		snap_range(s, c->status, 0, 15);
		snap_range(s, c->mask, 0, 15);
		snap_range(s, c->request, 0, 15);
		snap_bool(s, c->high_byte);
	}
	snap_bytes(s, p->page, sizeof(p->page));
}

const struct device_class i8237_class = {
	.name = "i8237",
	.version = 1,
	.size = sizeof(struct i8237_pair),
	.ports = { &low_ports, &page_ports, &high_ports },
	.init = i8237_init,
	.reset = i8237_reset,
	.state = i8237_state,
	.title = "8237A pair",
	.file = "i8237.c",
	.has = "transfers both ways and verify, of bytes and words, auto-initialise, decrement, "
	       "terminal count, masks, cascade, software requests as status, page registers, POST "
	       "code",
	.lacks = "memory-to-memory (as on PCs); bus priorities and timing; DMA does not reach "
		 "device memory",
};
