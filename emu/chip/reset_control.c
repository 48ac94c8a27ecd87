/* SPDX-License-Identifier: MIT */
/*
 * Port 92h (fast A20, INIT) and port CF9h (reset control) of the PIIX3.
 */
#include "emu/chip/reset_control.h"
#include "kernel/hw/reset_control.h"

static u32 port92_read(void *dev, u16 offset, unsigned size)
{
	const struct reset_control *r = dev;

	(void)offset;
	(void)size;
	return r->port92;
}

static void port92_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct reset_control *r = dev;
	u8 old = r->port92;

	(void)offset;
	(void)size;
	r->port92 = value & (P92_INIT | P92_A20);
	if ((old ^ value) & P92_A20)
		r->a20(r->ctx, value & P92_A20);
	if (value & ~old & P92_INIT)
		r->reset(r->ctx, "reset (port 92h)");
}

u8 reset_control_read_cf9(const struct reset_control *r)
{
	return r->cf9;
}

void reset_control_write_cf9(struct reset_control *r, u8 value)
{
	u8 old = r->cf9;

	r->cf9 = value & (CF9_HARD | CF9_GO);
	if (value & ~old & CF9_GO)
		r->reset(r->ctx, "reset (port CF9h)");
}

static const struct bus_ports port92_ports = { port92_read, port92_write, 1 };

void reset_control_reset(struct reset_control *r)
{
	if (r->port92 & P92_A20)
		r->a20(r->ctx, false);
	r->port92 = r->cf9 = 0;
}

int reset_control_init(struct reset_control *r, struct bus *bus,
		       void (*a20)(void *ctx, bool enabled),
		       void (*reset)(void *ctx, const char *why), void *ctx)
{
	*r = (struct reset_control){ .a20 = a20, .reset = reset, .ctx = ctx };
	return bus_claim(bus, PORT_92, 1, &port92_ports, r, "port 92h");
}
