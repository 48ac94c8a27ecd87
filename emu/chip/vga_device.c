/* SPDX-License-Identifier: MIT */
/*
 * The VGA as a device.
 */
#include "emu/chip/vga.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"

static void vga_reset(void *dev)
{
	struct vga *v = dev;

	vga_regs_reset(v);
	vga_dispi_reset(v);
	vga_planes_update(v);
}

static int vga_init(void *dev, const struct device_bay *bay)
{
	struct vga *v = dev;

	v->timers = bay->timers;
	vga_reset(v);
	return 0;
}

static void dac_state(struct vga_dac *d, struct snap *s)
{
	snap_bytes(s, d->written, sizeof(d->written));
	snap_range(s, d->part, 0, 2);
	snap_u8(s, d->read);
	snap_u8(s, d->write);
	snap_bool(s, d->reading);
	snap_bool(s, d->eight_bits);
}

static void dispi_state(struct vga_dispi *d, struct snap *s)
{
	snap_u16(s, d->index);
	snap_u16(s, d->id);
	snap_u16(s, d->xres);
	snap_u16(s, d->yres);
	snap_u16(s, d->bpp);
	snap_u16(s, d->enable);
	snap_u16(s, d->bank);
	snap_u16(s, d->virt_width);
	snap_u16(s, d->virt_height);
	snap_u16(s, d->x);
	snap_u16(s, d->y);
	snap_require(s, vga_dispi_valid(d));
}

/* In version 1 the palette's indices were one number each: entry * 3 + part. */
static void old_dac_state(struct vga_dac *d, struct snap *s)
{
	u16 read = 0, write = 0;

	snap_range(s, read, 0, 767);
	snap_range(s, write, 0, 767);
	snap_bool(s, d->reading);
	d->read = (u8)(read / 3);
	d->write = (u8)(write / 3);
	d->part = (u8)((d->reading ? read : write) % 3);
}

static void vga_state(void *dev, struct snap *s)
{
	struct vga *v = dev;

	snap_bytes(s, v->crtc, sizeof(v->crtc));
	snap_bytes(s, v->sequencer, sizeof(v->sequencer));
	snap_bytes(s, v->graphics, sizeof(v->graphics));
	snap_bytes(s, v->attribute, sizeof(v->attribute));
	snap_bytes(s, v->dac.colour, sizeof(v->dac.colour));
	snap_range(s, v->crtc_index, 0, 0x3f);
	snap_range(s, v->sequencer_index, 0, 7);
	snap_range(s, v->graphics_index, 0, 15);
	snap_range(s, v->attribute_index, 0, 0x3f);
	snap_bool(s, v->attribute_data);
	snap_u8(s, v->misc);
	snap_u8(s, v->feature);
	snap_u8(s, v->dac.mask);
	if (s->version < 2) {
		old_dac_state(&v->dac, s);
	} else {
		snap_u32(s, v->latch);
		dac_state(&v->dac, s);
		dispi_state(&v->dispi, s);
	}
	if (!s->loading)
		return;
	vga_regs_trim(v);
	v->settings++;
	vga_planes_update(v);
}

const struct device_class vga_class = {
	.name = "vga",
	.version = 2,
	.size = sizeof(struct vga),
	.ports = { &vga_ports },
	.init = vga_init,
	.reset = vga_reset,
	.state = vga_state,
	.unsaved = DEVICE_PART(struct vga, dirty, settings),
	.title = "VGA",
	.file = "vga_device.c",
	.has = "the registers, DAC, retrace timing; A0000h-BFFFFh is plain RAM",
	.lacks = "the planes are not reached yet",
};
