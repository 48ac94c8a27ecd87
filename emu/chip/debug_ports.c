/* SPDX-License-Identifier: MIT */
/*
 * Ports for guests that want to be heard or to end: E9h and 402h take text, 501h an exit code.
 */
#include "emu/chip/debug_ports.h"

static u32 text_read(void *dev, u16 offset, unsigned size)
{
	(void)dev;
	(void)offset;
	(void)size;
	return 0xe9; /* how guests find out that somebody listens */
}

static void text_write(void *dev, u16 offset, unsigned size, u32 value)
{
	const struct debug_ports *d = dev;

	(void)offset;
	(void)size;
	d->tx(d->ctx, (u8)value);
}

static u32 exit_read(void *dev, u16 offset, unsigned size)
{
	(void)dev;
	(void)offset;
	(void)size;
	return 0;
}

static void exit_write(void *dev, u16 offset, unsigned size, u32 value)
{
	const struct debug_ports *d = dev;

	(void)offset;
	(void)size;
	d->exit_code(d->ctx, value);
}

static const struct bus_ports text_ports = { text_read, text_write, 1 };
static const struct bus_ports exit_ports = { exit_read, exit_write, 4 };

int debug_ports_init(struct debug_ports *d, struct bus *bus, void (*tx)(void *ctx, u8 byte),
		     void (*exit_code)(void *ctx, u32 code), void *ctx)
{
	int err;

	*d = (struct debug_ports){ .tx = tx, .exit_code = exit_code, .ctx = ctx };
	err = bus_claim(bus, 0x402, 1, &text_ports, d, "debug 402h");
	if (!err)
		err = bus_claim(bus, 0xe9, 1, &text_ports, d, "debug E9h");
	if (!err && exit_code)
		err = bus_claim(bus, 0x501, 4, &exit_ports, d, "debug exit");
	return err;
}
