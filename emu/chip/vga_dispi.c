/* SPDX-License-Identifier: MIT */
/*
 * DISPI, the Bochs extensions: an index at port 1CEh, sixteen bits of data at 1CFh. There is no way
 * to say no: a value that cannot be becomes the nearest one that can.
 */
#include "emu/chip/vga.h"

#include "kernel/base/string.h"

#define MAX_BPP 32u

static u32 bits_of(const struct vga_dispi *d)
{
	return d->bpp == 15 ? 16 : d->bpp;
}

/* Four bits a pixel lie in four planes: so many bytes of each, four times. */
u32 vga_dispi_pitch(const struct vga_dispi *d)
{
	return d->virt_width * bits_of(d) / 8;
}

u32 vga_dispi_start(const struct vga_dispi *d)
{
	return (d->x * bits_of(d) / 8 + d->y * vga_dispi_pitch(d)) / 4;
}

static bool bpp_exists(u16 bpp)
{
	return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

static u16 between(u32 value, u32 low, u32 high)
{
	return (u16)(value < low ? low : MIN(value, high));
}

/* While it is on, what is shown lies in video memory. */
static void fit(struct vga_dispi *d)
{
	u32 lines;

	if (!vga_dispi_on(d))
		return;
	if (!bpp_exists(d->bpp))
		d->bpp = 8;
	d->xres = between(d->xres & ~7u, 8, VGA_DISPI_WIDTH);
	d->virt_width = between(d->virt_width & ~7u, d->xres, VGA_DISPI_WIDTH);
	lines = (u32)VGA_MEMORY / vga_dispi_pitch(d);
	d->yres = between(d->yres, 1, MIN(VGA_DISPI_HEIGHT, lines));
	d->virt_height = (u16)lines;
	d->x = (u16)MIN(d->x, VGA_DISPI_WIDTH);
	d->y = (u16)MIN(d->y, VGA_DISPI_HEIGHT);
	if (vga_dispi_start(d) * 4 + d->yres * vga_dispi_pitch(d) <= VGA_MEMORY)
		return;
	d->y = 0;
	if (vga_dispi_start(d) * 4 + d->yres * vga_dispi_pitch(d) > VGA_MEMORY)
		d->x = 0;
}

bool vga_dispi_valid(const struct vga_dispi *d)
{
	struct vga_dispi fitted = *d;

	fit(&fitted);
	return d->id >= DISPI_ID_FIRST && d->id <= DISPI_ID_LAST &&
	       d->bank < VGA_MEMORY / (64 * KiB) && !memcmp(&fitted, d, sizeof(fitted));
}

/* The VGA's own registers, for those who look at them and for the way back: a graphics mode of that
 * size, linear or planar, without doubling. */
static void set_vga(struct vga *v)
{
	const struct vga_dispi *d = &v->dispi;
	u32 last = d->yres - 1u;
	bool planar = d->bpp == 4;

	v->graphics[GFX_MISC] = (u8)((v->graphics[GFX_MISC] & ~GFX_MAP) | 0x04 | GFX_GRAPHICS);
	v->graphics[GFX_MODE] = (u8)((v->graphics[GFX_MODE] & ~GFX_SHIFT) | (planar ? 0 : 0x40));
	v->crtc[CRTC_MODE] |= 3; /* the lines of a CGA do not alternate */
	v->crtc[CRTC_OFFSET] = (u8)(vga_dispi_pitch(d) >> 3);
	v->crtc[CRTC_H_DISPLAY_END] = (u8)((d->xres >> 3) - 1);
	v->crtc[CRTC_V_DISPLAY_END] = (u8)last;
	v->crtc[CRTC_OVERFLOW] = (u8)((v->crtc[CRTC_OVERFLOW] & ~0x42u) | (last >> 7 & 0x02) |
				      (last >> 3 & 0x40) | 0x10);
	v->crtc[CRTC_LINE_COMPARE] = 0xff;
	v->crtc[CRTC_MAX_SCAN] = (u8)((v->crtc[CRTC_MAX_SCAN] & ~0x9f) | 0x40);
	if (planar) {
		v->sequencer[SEQ_CLOCKING] &= (u8)~SEQ_HALF_CLOCK;
	} else {
		v->sequencer[SEQ_MEMORY_MODE] |= SEQ_CHAIN4;
		v->sequencer[SEQ_MAP_MASK] = 0x0f;
	}
}

static void clear(struct vga *v)
{
	u32 size = v->dispi.yres * vga_dispi_pitch(&v->dispi);

	memset(v->memory, 0, size);
	for (u32 at = 0; at < size; at += PAGE_SIZE)
		vga_dirty(v, at);
	v->font_dirty = true;
}

static void enable(struct vga *v, u16 value)
{
	struct vga_dispi *d = &v->dispi;
	bool begins = (value & DISPI_ENABLED) && !vga_dispi_on(d);

	value &= DISPI_ENABLED | DISPI_GET_LIMITS | DISPI_8BIT_DAC | DISPI_LFB | DISPI_KEEP_MEMORY;
	if (begins) {
		vga_window_hide(v);
		d->virt_width = d->x = d->y = 0;
		d->enable |= DISPI_ENABLED;
		fit(d);
		if (!(value & DISPI_KEEP_MEMORY))
			clear(v);
		set_vga(v);
	} else {
		d->bank = 0;
	}
	v->dac.eight_bits = value & DISPI_8BIT_DAC;
	d->enable = value;
}

u16 vga_dispi_read(const struct vga *v, unsigned index)
{
	const struct vga_dispi *d = &v->dispi;
	bool limits = d->enable & DISPI_GET_LIMITS;

	switch (index) {
	case DISPI_ID:
		return d->id;
	case DISPI_XRES:
		return limits ? VGA_DISPI_WIDTH : d->xres;
	case DISPI_YRES:
		return limits ? VGA_DISPI_HEIGHT : d->yres;
	case DISPI_BPP:
		return limits ? MAX_BPP : d->bpp;
	case DISPI_ENABLE:
		return d->enable;
	case DISPI_BANK:
		return d->bank;
	case DISPI_VIRT_WIDTH:
		return d->virt_width;
	case DISPI_VIRT_HEIGHT:
		return d->virt_height;
	case DISPI_X:
		return d->x;
	case DISPI_Y:
		return d->y;
	case DISPI_MEMORY:
		return VGA_MEMORY / (64 * KiB);
	default:
		return 0;
	}
}

/* One that is fitted, and all that it makes different. */
static void set(struct vga_dispi *d, u16 *reg, u16 value)
{
	*reg = value;
	fit(d);
}

void vga_dispi_write(struct vga *v, unsigned index, u16 value)
{
	struct vga_dispi *d = &v->dispi;

	switch (index) {
	case DISPI_ID:
		if (value >= DISPI_ID_FIRST && value <= DISPI_ID_LAST)
			d->id = value;
		return;
	case DISPI_XRES:
		set(d, &d->xres, value);
		break;
	case DISPI_YRES:
		set(d, &d->yres, value);
		break;
	case DISPI_BPP:
		set(d, &d->bpp, value);
		break;
	case DISPI_VIRT_WIDTH:
		set(d, &d->virt_width, value);
		break;
	case DISPI_X:
		set(d, &d->x, value);
		break;
	case DISPI_Y:
		set(d, &d->y, value);
		break;
	case DISPI_BANK:
		d->bank = value & (VGA_MEMORY / (64 * KiB) - 1) >> (d->bpp == 4 ? 2 : 0);
		break;
	case DISPI_ENABLE:
		enable(v, value);
		break;
	default:
		return;
	}
	v->settings++;
	vga_planes_update(v);
	vga_window_check(v);
}

void vga_dispi_reset(struct vga *v)
{
	v->dispi = (struct vga_dispi){ .id = DISPI_ID_LAST };
}

/* Words only. The data port lies at an odd address and reaches into the port behind. */
static u32 port_read(void *dev, u16 offset, unsigned size)
{
	const struct vga *v = dev;

	if (size != 2)
		return 0xffff;
	return offset == 0 ? v->dispi.index : vga_dispi_read(v, v->dispi.index);
}

static void port_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct vga *v = dev;

	if (size != 2)
		return;
	if (offset == 0)
		v->dispi.index = (u16)value;
	else
		vga_dispi_write(v, v->dispi.index, (u16)value);
}

const struct bus_ports vga_dispi_ports = { port_read, port_write, 2 };
