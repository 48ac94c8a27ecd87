/* SPDX-License-Identifier: MIT */
/*
 * The FERR# wire and its latch: an x87 error with CR0.NE = 0 raises IRQ 13; a write to port F0h
 * clears it.
 */
#include "emu/chip/ferr.h"

#include "emu/snap/snap.h"

void ferr_set(struct ferr *f, bool level)
{
	if (f->level != level) {
		f->level = level;
		irq_set(&f->irq, level);
	}
}

static u32 port_read(void *dev, u16 offset, unsigned size)
{
	(void)dev;
	(void)offset;
	(void)size;
	return 0xff;
}

/* F0h clears the error latch; F1h reset the 287 and does nothing here. */
static void port_write(void *dev, u16 offset, unsigned size, u32 value)
{
	(void)size;
	(void)value;
	if (!offset)
		ferr_set(dev, false);
}

static const struct bus_ports ferr_ports = { port_read, port_write, 1 };

static void ferr_reset(void *dev)
{
	ferr_set(dev, false);
}

static int ferr_init(void *dev, const struct device_bay *bay)
{
	struct ferr *f = dev;

	f->irq = bay->irq[0];
	return 0;
}

static void ferr_state(void *dev, struct snap *s)
{
	struct ferr *f = dev;
	bool level = f->level;

	snap_bool(s, level);
	ferr_set(f, level);
}

const struct device_class ferr_class = {
	.name = "ferr",
	.version = 1,
	.size = sizeof(struct ferr),
	.ports = { &ferr_ports },
	.init = ferr_init,
	.reset = ferr_reset,
	.state = ferr_state,
	.title = "FERR",
	.file = "ferr.c",
	.has = "x87 errors with CR0.NE = 0",
};
