/* SPDX-License-Identifier: MIT */
/*
 * The VGA's registers at ports 3B0h..3DFh (IBM VGA XGA Technical Reference). Where bit 0 of the
 * miscellaneous output is 1 (colour) the CRTC lies at 3D4h, else at 3B4h; the other place is
 * silent.
 */
#include "emu/chip/vga.h"

#include "kernel/base/string.h"

static const u8 mode3_crtc[25] = { 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
				   0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
				   0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff };
static const u8 mode3_sequencer[5] = { 0x03, 0x00, 0x03, 0x00, 0x02 };
static const u8 mode3_graphics[9] = { 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff };
static const u8 mode3_attribute[21] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14,
					0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
					0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00 };

/* Writable bits; reserved ones read 0. */
static const u8 sequencer_mask[5] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const u8 graphics_mask[9] = { 0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff };
static const u8 attribute_mask[5] = { 0xef, 0xff, 0x3f, 0x0f, 0x0f }; /* of 10h to 14h */

/* A register that the picture depends on: a write that changes nothing costs no picture. */
static void set(struct vga *v, u8 *reg, u8 value)
{
	if (*reg == value)
		return;
	*reg = value;
	v->settings++;
}

static u8 attribute_read(const struct vga *v)
{
	unsigned i = v->attribute_index & 0x1f;

	return i < sizeof(v->attribute) ? v->attribute[i] : 0;
}

static void attribute_write(struct vga *v, u8 value)
{
	unsigned i = v->attribute_index & 0x1f;

	if (!v->attribute_data)
		set(v, &v->attribute_index, value & 0x3f);
	else if (i < 16 && !(v->attribute_index & ATTR_SCREEN_ON)) /* else the screen uses it */
		set(v, &v->attribute[i], value & 0x3f);
	else if (i >= 16 && i < sizeof(v->attribute))
		set(v, &v->attribute[i], value & attribute_mask[i - 16]);
	v->attribute_data = !v->attribute_data;
}

static void crtc_write(struct vga *v, u8 value)
{
	unsigned i = v->crtc_index;

	if (i >= sizeof(v->crtc))
		return;
	if (i <= CRTC_OVERFLOW && (v->crtc[CRTC_V_SYNC_END] & CRTC_PROTECT)) {
		if (i != CRTC_OVERFLOW)
			return;
		value = (u8)((v->crtc[i] & ~0x10) | (value & 0x10));
	}
	set(v, &v->crtc[i], value);
}

static void sequencer_write(struct vga *v, u8 value)
{
	unsigned i = v->sequencer_index;

	if (i >= sizeof(v->sequencer))
		return;
	set(v, &v->sequencer[i], value & sequencer_mask[i]);
	vga_planes_update(v);
	vga_window_check(v);
}

static void graphics_write(struct vga *v, u8 value)
{
	unsigned i = v->graphics_index;

	if (i >= sizeof(v->graphics))
		return;
	value &= graphics_mask[i];
	if (i == GFX_MODE || i == GFX_MISC)
		set(v, &v->graphics[i], value);
	v->graphics[i] = value;
	vga_planes_update(v);
	vga_window_check(v);
}

/* 3B4h, 3B5h, 3BAh answer in monochrome, 3D4h, 3D5h, 3DAh in colour. */
static bool silent(const struct vga *v, unsigned port)
{
	if (port >= 0x3c0 && port < 0x3d0)
		return false;
	return (port >= 0x3d0) != !!(v->misc & MISC_COLOUR);
}

u8 vga_regs_read(struct vga *v, unsigned offset)
{
	unsigned port = VGA_PORT + offset;

	if (silent(v, port))
		return 0xff;
	switch (port) {
	case 0x3c0:
		return v->attribute_data ? 0 : v->attribute_index;
	case 0x3c1:
		return attribute_read(v);
	case 0x3c2:
		return 0x10; /* switch sense: a colour display */
	case 0x3c4:
		return v->sequencer_index;
	case 0x3c5:
		return v->sequencer_index < sizeof(v->sequencer) ? v->sequencer[v->sequencer_index]
								 : 0;
	case 0x3c6:
		return v->dac.mask;
	case 0x3c7:
		return v->dac.reading ? 3 : 0;
	case 0x3c8:
		return v->dac.write;
	case 0x3c9:
		return vga_dac_read(&v->dac);
	case 0x3ca:
		return v->feature;
	case 0x3cc:
		return v->misc;
	case 0x3ce:
		return v->graphics_index;
	case 0x3cf:
		return v->graphics_index < sizeof(v->graphics) ? v->graphics[v->graphics_index] : 0;
	case 0x3b4:
	case 0x3d4:
		return v->crtc_index;
	case 0x3b5:
	case 0x3d5:
		return v->crtc_index < sizeof(v->crtc) ? v->crtc[v->crtc_index] : 0;
	case 0x3ba:
	case 0x3da:
		v->attribute_data = false;
		return vga_retrace_status(v, vtimers_now(v->timers));
	default:
		return 0xff;
	}
}

void vga_regs_write(struct vga *v, unsigned offset, u8 value)
{
	unsigned port = VGA_PORT + offset;

	if (silent(v, port))
		return;
	switch (port) {
	case 0x3c0:
		attribute_write(v, value);
		return;
	case 0x3c2:
		v->misc = value & 0xef;
		return;
	case 0x3c4:
		v->sequencer_index = value & 7;
		return;
	case 0x3c5:
		sequencer_write(v, value);
		return;
	case 0x3c6:
		set(v, &v->dac.mask, value);
		return;
	case 0x3c7:
		vga_dac_seek(&v->dac, value, true);
		return;
	case 0x3c8:
		vga_dac_seek(&v->dac, value, false);
		return;
	case 0x3c9:
		vga_dac_write(&v->dac, value);
		v->settings++;
		return;
	case 0x3ce:
		v->graphics_index = value & 15;
		return;
	case 0x3cf:
		graphics_write(v, value);
		return;
	case 0x3b4:
	case 0x3d4:
		v->crtc_index = value & 0x3f;
		return;
	case 0x3b5:
	case 0x3d5:
		crtc_write(v, value);
		return;
	case 0x3ba:
	case 0x3da:
		v->feature = value & 3;
		return;
	default:
		return;
	}
}

static u32 port_read(void *dev, u16 offset, unsigned size)
{
	(void)size;
	return vga_regs_read(dev, offset);
}

static void port_write(void *dev, u16 offset, unsigned size, u32 value)
{
	(void)size;
	vga_regs_write(dev, offset, (u8)value);
}

/* 8 bits wide: the word writes of index and data that drivers use arrive as two bytes, as on ISA.
 */
const struct bus_ports vga_ports = { port_read, port_write, 1 };

void vga_regs_reset(struct vga *v)
{
	memcpy(v->crtc, mode3_crtc, sizeof(v->crtc));
	memcpy(v->sequencer, mode3_sequencer, sizeof(v->sequencer));
	memcpy(v->graphics, mode3_graphics, sizeof(v->graphics));
	memcpy(v->attribute, mode3_attribute, sizeof(v->attribute));
	v->crtc_index = v->sequencer_index = v->graphics_index = 0;
	v->attribute_index = ATTR_SCREEN_ON;
	v->attribute_data = false;
	v->misc = 0x67;
	v->feature = 0;
	v->latch = 0;
	vga_dac_reset(&v->dac);
	v->settings++;
}

/* Bits that a loaded stream has and a register has not. */
void vga_regs_trim(struct vga *v)
{
	for (unsigned i = 0; i < sizeof(v->sequencer); i++)
		v->sequencer[i] &= sequencer_mask[i];
	for (unsigned i = 0; i < sizeof(v->graphics); i++)
		v->graphics[i] &= graphics_mask[i];
	for (unsigned i = 0; i < sizeof(v->attribute); i++)
		v->attribute[i] &= i < 16 ? 0x3f : attribute_mask[i - 16];
}
