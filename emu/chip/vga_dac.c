/* SPDX-License-Identifier: MIT */
/*
 * The VGA's palette: 256 entries of three colours with six bits each, or with eight (DISPI).
 */
#include "emu/chip/vga.h"

#include "kernel/base/string.h"

/* The 64 colours of an EGA, where the attribute registers of text modes point. */
void vga_dac_reset(struct vga_dac *d)
{
	memset(d, 0, sizeof(*d));
	d->mask = 0xff;
	for (unsigned i = 0; i < 64; i++) {
		u8 *rgb = &d->colour[i * 3];

		rgb[0] = (u8)((i & 0x04 ? 0x2a : 0) + (i & 0x20 ? 0x15 : 0));
		rgb[1] = (u8)((i & 0x02 ? 0x2a : 0) + (i & 0x10 ? 0x15 : 0));
		rgb[2] = (u8)((i & 0x01 ? 0x2a : 0) + (i & 0x08 ? 0x15 : 0));
	}
}

void vga_dac_seek(struct vga_dac *d, u8 entry, bool reading)
{
	d->reading = reading;
	d->part = 0;
	if (reading)
		d->read = entry;
	else
		d->write = entry;
}

u8 vga_dac_read(struct vga_dac *d)
{
	u8 value = d->colour[d->read * 3u + d->part];

	if (++d->part == 3) {
		d->part = 0;
		d->read++;
	}
	return value;
}

void vga_dac_write(struct vga_dac *d, u8 value)
{
	d->written[d->part] = d->eight_bits ? value : value & 0x3f;
	if (++d->part < 3)
		return;
	memcpy(&d->colour[d->write * 3u], d->written, 3);
	d->part = 0;
	d->write++;
}

/* Six bits as eight: 0 is black, 63 is white, and the lowest bit fills up. */
static u32 eight(const struct vga_dac *d, u8 c)
{
	if (d->eight_bits)
		return c;
	c &= 0x3f;
	return (u32)c << 2 | (c & 1u) * 3;
}

u32 vga_dac_rgb(const struct vga_dac *d, u8 value)
{
	const u8 *c = &d->colour[(value & d->mask) * 3];

	return eight(d, c[0]) << 16 | eight(d, c[1]) << 8 | eight(d, c[2]);
}
