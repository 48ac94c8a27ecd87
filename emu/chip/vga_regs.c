/* SPDX-License-Identifier: MIT */
/*
 * VGA registers (IBM VGA XGA Technical Reference). Where bit 0 of the miscellaneous output is 1
 * (colour) the CRTC lies at 3D4h, else at 3B4h; the other place is silent. Retrace bits follow
 * virtual time at 70 Hz and 31.5 kHz.
 */
#include "emu/chip/vga_regs.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"

#define BASE 0x3b0

#define FRAME_NS 14268000u /* 449 lines */
#define LINE_NS	 31778u
#define LINES	 449u
#define RETRACE_LINE \
	412u /* mode 3: vertical retrace begins at line 412, for 2 lines; blank from 400 */
#define VISIBLE_LINES 400u

#define MISC_COLOUR  0x01
#define CRTC_PROTECT 0x80 /* CRTC 11h bit 7: registers 0..7 are read-only but for bit 4 of 7 */

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

static u8 input_status_1(const struct vga_regs *v)
{
	u64 line = vtimers_now(v->timers) % FRAME_NS / LINE_NS % LINES;
	u64 pixel = vtimers_now(v->timers) % LINE_NS;
	bool retrace = line >= RETRACE_LINE && line < RETRACE_LINE + 2;
	bool blank = line >= VISIBLE_LINES || pixel >= LINE_NS / 5 * 4;

	return (u8)((retrace ? 0x08 : 0) | (blank ? 0x01 : 0));
}

static u8 dac_read(struct vga_regs *v)
{
	u8 value = v->palette[v->dac_read];

	v->dac_read = (u16)((v->dac_read + 1) % sizeof(v->palette));
	return value;
}

static void dac_write(struct vga_regs *v, u8 value)
{
	v->palette[v->dac_write] = value & 0x3f;
	v->dac_write = (u16)((v->dac_write + 1) % sizeof(v->palette));
}

static u8 attribute_read(const struct vga_regs *v)
{
	unsigned i = v->attribute_index & 0x1f;

	return i < sizeof(v->attribute) ? v->attribute[i] : 0;
}

static void attribute_write(struct vga_regs *v, u8 value)
{
	unsigned i = v->attribute_index & 0x1f;

	if (!v->attribute_data)
		v->attribute_index = value & 0x3f;
	else if (i < 16 &&
		 !(v->attribute_index & 0x20)) /* the palette, while the screen does not use it */
		v->attribute[i] = value & 0x3f;
	else if (i >= 16 && i < sizeof(v->attribute))
		v->attribute[i] = value;
	v->attribute_data = !v->attribute_data;
}

static void crtc_write(struct vga_regs *v, u8 value)
{
	unsigned i = v->crtc_index;

	if (i >= sizeof(v->crtc))
		return;
	if (i <= 7 && (v->crtc[0x11] & CRTC_PROTECT)) {
		if (i == 7)
			v->crtc[7] = (u8)((v->crtc[7] & ~0x10) | (value & 0x10));
		return;
	}
	v->crtc[i] = value;
}

/* 3B4h, 3B5h, 3BAh answer in monochrome, 3D4h, 3D5h, 3DAh in colour. */
static bool silent(const struct vga_regs *v, unsigned port)
{
	if (port >= 0x3c0 && port < 0x3d0)
		return false;
	return (port >= 0x3d0) != !!(v->misc & MISC_COLOUR);
}

static u32 port_read(void *dev, u16 offset, unsigned size)
{
	struct vga_regs *v = dev;
	unsigned port = BASE + offset;

	(void)size;
	if (silent(v, port))
		return 0xff;
	switch (port) {
	case 0x3c0:
		return v->attribute_index;
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
		return v->dac_mask;
	case 0x3c7:
		return v->dac_reading ? 3 : 0;
	case 0x3c8:
		return v->dac_write / 3;
	case 0x3c9:
		return dac_read(v);
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
		return input_status_1(v);
	default:
		return 0xff;
	}
}

static void port_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct vga_regs *v = dev;
	unsigned port = BASE + offset;
	u8 b = (u8)value;

	(void)size;
	if (silent(v, port))
		return;
	switch (port) {
	case 0x3c0:
		attribute_write(v, b);
		return;
	case 0x3c2:
		v->misc = b & 0xef;
		return;
	case 0x3c4:
		v->sequencer_index = b & 7;
		return;
	case 0x3c5:
		if (v->sequencer_index < sizeof(v->sequencer))
			v->sequencer[v->sequencer_index] = b & sequencer_mask[v->sequencer_index];
		return;
	case 0x3c6:
		v->dac_mask = b;
		return;
	case 0x3c7:
		v->dac_read = (u16)(b * 3);
		v->dac_reading = true;
		return;
	case 0x3c8:
		v->dac_write = (u16)(b * 3);
		v->dac_reading = false;
		return;
	case 0x3c9:
		dac_write(v, b);
		return;
	case 0x3ce:
		v->graphics_index = b & 15;
		return;
	case 0x3cf:
		if (v->graphics_index < sizeof(v->graphics))
			v->graphics[v->graphics_index] = b & graphics_mask[v->graphics_index];
		return;
	case 0x3b4:
	case 0x3d4:
		v->crtc_index = b & 0x1f;
		return;
	case 0x3b5:
	case 0x3d5:
		crtc_write(v, b);
		return;
	case 0x3ba:
	case 0x3da:
		v->feature = b & 3;
		return;
	default:
		return;
	}
}

/* 8 bits wide: the word writes of index and data that drivers use arrive as two bytes, as on ISA.
 */
static const struct bus_ports vga_ports = { port_read, port_write, 1 };

/* The 16 colours of text mode, where the attribute registers of mode 3 point. */
static void default_palette(struct vga_regs *v)
{
	for (unsigned i = 0; i < 64; i++) {
		u8 *rgb = &v->palette[i * 3];

		rgb[0] = (u8)((i & 0x04 ? 0x2a : 0) + (i & 0x20 ? 0x15 : 0));
		rgb[1] = (u8)((i & 0x02 ? 0x2a : 0) + (i & 0x10 ? 0x15 : 0));
		rgb[2] = (u8)((i & 0x01 ? 0x2a : 0) + (i & 0x08 ? 0x15 : 0));
	}
}

static void vga_regs_reset(void *dev)
{
	struct vga_regs *v = dev;
	struct vtimers *timers = v->timers;

	memset(v, 0, sizeof(*v));
	v->timers = timers;
	memcpy(v->crtc, mode3_crtc, sizeof(v->crtc));
	memcpy(v->sequencer, mode3_sequencer, sizeof(v->sequencer));
	memcpy(v->graphics, mode3_graphics, sizeof(v->graphics));
	memcpy(v->attribute, mode3_attribute, sizeof(v->attribute));
	v->attribute_index = 0x20;
	v->misc = 0x67;
	v->dac_mask = 0xff;
	default_palette(v);
}

static int vga_regs_init(void *dev, const struct device_bay *bay)
{
	struct vga_regs *v = dev;

	v->timers = bay->timers;
	vga_regs_reset(v);
	return 0;
}

static void vga_regs_state(void *dev, struct snap *s)
{
	struct vga_regs *v = dev;

	snap_bytes(s, v->crtc, sizeof(v->crtc));
	snap_bytes(s, v->sequencer, sizeof(v->sequencer));
	snap_bytes(s, v->graphics, sizeof(v->graphics));
	snap_bytes(s, v->attribute, sizeof(v->attribute));
	snap_bytes(s, v->palette, sizeof(v->palette));
	snap_range(s, v->crtc_index, 0, 0x1f);
	snap_range(s, v->sequencer_index, 0, 7);
	snap_range(s, v->graphics_index, 0, 15);
	snap_range(s, v->attribute_index, 0, 0x3f);
	snap_bool(s, v->attribute_data);
	snap_u8(s, v->misc);
	snap_u8(s, v->feature);
	snap_u8(s, v->dac_mask);
	snap_range(s, v->dac_read, 0, sizeof(v->palette) - 1);
	snap_range(s, v->dac_write, 0, sizeof(v->palette) - 1);
	snap_bool(s, v->dac_reading);
}

const struct device_class vga_regs_class = {
	.name = "vga",
	.version = 1,
	.size = sizeof(struct vga_regs),
	.ports = { &vga_ports },
	.init = vga_regs_init,
	.reset = vga_regs_reset,
	.state = vga_regs_state,
	.title = "VGA",
	.file = "vga_regs.c",
	.has = "the registers of a text console, DAC, retrace timing; A0000h-BFFFFh is plain RAM",
	.lacks = "everything graphical: planes, latches, fonts, modes; nothing is drawn",
};
