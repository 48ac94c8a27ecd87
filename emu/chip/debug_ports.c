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
	d->host->debug_tx(d->host->ctx, (u8)value);
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
	d->host->exit_code(d->host->ctx, value);
}

static const struct bus_ports text_ports = { text_read, text_write, 1 };
static const struct bus_ports exit_ports = { exit_read, exit_write, 4 };

static int debug_init(void *dev, const struct device_bay *bay)
{
	struct debug_ports *d = dev;

	d->host = bay->host;
	return 0;
}

const struct device_class debug_text_class = {
	.name = "debug-text",
	.size = sizeof(struct debug_ports),
	.ports = { &text_ports, &text_ports },
	.init = debug_init,
	.title = "debug text",
	.file = "debug_ports.c",
	.has = "lines of text to the monitor's log",
};

const struct device_class debug_exit_class = {
	.name = "debug-exit",
	.size = sizeof(struct debug_ports),
	.ports = { &exit_ports },
	.init = debug_init,
	.title = "debug exit",
	.file = "debug_ports.c",
	.has = "exit code; only with `debug_exit = yes`",
};
