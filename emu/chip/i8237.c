/* SPDX-License-Identifier: MIT */
/*
 * The two 8237A DMA controllers: registers, flip-flop, masks and page registers. Nothing transfers
 * yet.
 */
#include "emu/chip/i8237.h"

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

static void master_clear(struct i8237 *c)
{
	c->command = c->status = c->request = c->temporary = 0;
	c->mask = 0x0f;
	c->high_byte = false;
}

static u8 chip_read(struct i8237 *c, unsigned reg)
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
		v = (u8)(c->request << 4 | c->status);
		c->status = 0; /* terminal counts are cleared by the read */
		return v;
	case MASTER_CLEAR:
		return c->temporary;
	case ALL_MASK:
		return (u8)(0xf0 | c->mask);
	default:
		return 0xff;
	}
}

static void write_half(u16 *base, u16 *current, bool high, u8 v)
{
	*base = (u16)(high ? (*base & 0x00ff) | v << 8 : (*base & 0xff00) | v);
	*current = *base;
}

static void chip_write(struct i8237 *c, unsigned reg, u8 v)
{
	u8 bit = (u8)BIT(v & 3);

	if (reg < 8) {
		struct i8237_channel *ch = &c->ch[reg / 2];

		if (reg & 1)
			write_half(&ch->base_count, &ch->count, c->high_byte, v);
		else
			write_half(&ch->base_address, &ch->address, c->high_byte, v);
		c->high_byte = !c->high_byte;
		return;
	}
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

static u32 low_read(void *dev, u16 offset, unsigned size)
{
	struct i8237_pair *p = dev;

	(void)size;
	return chip_read(&p->chip[0], offset);
}

static void low_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8237_pair *p = dev;

	(void)size;
	chip_write(&p->chip[0], offset, (u8)value);
}

static u32 high_read(void *dev, u16 offset, unsigned size)
{
	struct i8237_pair *p = dev;

	(void)size;
	return offset & 1 ? 0xff : chip_read(&p->chip[1], offset / 2u);
}

static void high_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct i8237_pair *p = dev;

	(void)size;
	if (!(offset & 1))
		chip_write(&p->chip[1], offset / 2u, (u8)value);
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

	memset(p, 0, sizeof(*p));
	master_clear(&p->chip[0]);
	master_clear(&p->chip[1]);
}

static int i8237_init(void *dev, const struct device_bay *bay)
{
	(void)bay;
	i8237_reset(dev);
	return 0;
}

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
		snap_u8(s, c->temporary);
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
	.has = "registers, flip-flop, page registers, POST code",
	.lacks = "transfers (come with the first device that does any)",
};
