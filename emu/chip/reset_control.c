/* SPDX-License-Identifier: MIT */
/*
 * Port 92h (fast A20, INIT) and port CF9h (reset control) of the PIIX3.
 */
#include "emu/chip/reset_control.h"
#include "emu/snap/snap.h"
#include "kernel/hw/reset_control_regs.h"

static u32 port92_read(void *dev, u16 offset, unsigned size)
{
	const struct reset_control *r = dev;

	(void)offset;
	(void)size;
	return r->a20->held & A20_FAST ? P92_A20 : 0;
}

static void port92_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct reset_control *r = dev;

	(void)offset;
	(void)size;
	a20_set(r->a20, value & P92_A20);
	if (value & P92_INIT)
		r->host->cpu_init(r->host->ctx, "INIT (port 92h)");
}

u8 reset_control_read_cf9(const struct reset_control *r)
{
	return r->cf9;
}

void reset_control_write_cf9(struct reset_control *r, u8 value)
{
	u8 old = r->cf9;

	r->cf9 = value & (CF9_HARD | CF9_GO);
	if (!(value & ~old & CF9_GO))
		return;
	if (value & CF9_HARD) {
		r->host->reset(r->host->ctx, "reset (port CF9h)");
	} else {
		r->cf9 = 0;
		r->host->cpu_init(r->host->ctx, "INIT (port CF9h)");
	}
}

static const struct bus_ports port92_ports = { port92_read, port92_write, 1 };

static void reset_control_reset(void *dev)
{
	struct reset_control *r = dev;

	r->cf9 = 0; /* A20: the keyboard controller switches it on */
}

static int reset_control_init(void *dev, const struct device_bay *bay)
{
	struct reset_control *r = dev;

	r->a20 = bay->a20;
	r->host = bay->host;
	return 0;
}

static void reset_control_state(void *dev, struct snap *s)
{
	struct reset_control *r = dev;
	u8 port92 = (u8)port92_read(r, 0, 1);

	/* INIT's bit was kept once. */
	snap_range(s, port92, 0, P92_INIT | P92_A20);
	snap_u8(s, r->cf9);
	snap_require(s, !(r->cf9 & ~(CF9_HARD | CF9_GO)));
	if (s->loading && snap_ok(s))
		a20_load(r->a20, A20_FAST, port92 & P92_A20);
}

const struct device_class reset_control_class = {
	.name = "reset-control",
	.version = 1,
	.size = sizeof(struct reset_control),
	.ports = { &port92_ports },
	.init = reset_control_init,
	.reset = reset_control_reset,
	.state = reset_control_state,
	.title = "port 92h, CF9h",
	.file = "reset_control.c",
	.has = "fast A20 (one bit with the 8042's), INIT, reset",
	.lacks = "the bits that pulse INIT read 0 afterwards, as in QEMU",
};
