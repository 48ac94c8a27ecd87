/* SPDX-License-Identifier: MIT */
/*
 * What the registers make of the screen.
 */
#include "emu/chip/vga_screen.h"

#include "kernel/base/string.h"

#define CURSOR_FRAMES 16u

static u32 vertical_end(const struct vga *v)
{
	u8 over = v->crtc[CRTC_OVERFLOW];

	return v->crtc[CRTC_V_DISPLAY_END] | (over & 0x02u) << 7 | (over & 0x40u) << 3;
}

static u32 line_compare(const struct vga *v)
{
	return v->crtc[CRTC_LINE_COMPARE] | (v->crtc[CRTC_OVERFLOW] & 0x10u) << 4 |
	       (v->crtc[CRTC_MAX_SCAN] & 0x40u) << 3;
}

static u32 word(const struct vga *v, unsigned high)
{
	return (u32)v->crtc[high] << 8 | v->crtc[high + 1];
}

/* The sixteen colours of the attribute controller, each an entry of the DAC. */
static void colours_16(const struct vga *v, struct vga_screen *s)
{
	u8 select = v->attribute[ATTR_COLOUR_SELECT], planes = v->attribute[ATTR_PLANES];

	for (u32 i = 0; i < 16; i++) {
		u8 entry = v->attribute[i & planes];

		if (v->attribute[ATTR_MODE] & ATTR_PALETTE_45)
			entry = (u8)((entry & 0x0f) | select << 4);
		else
			entry = (u8)((entry & 0x3f) | (select & 0x0c) << 4);
		s->colour[i] = vga_dac_rgb(&v->dac, entry);
	}
}

static void colours_256(const struct vga *v, struct vga_screen *s)
{
	for (u32 i = 0; i < 256; i++)
		s->colour[i] = vga_dac_rgb(&v->dac, (u8)i);
}

static void text(const struct vga *v, struct vga_screen *s)
{
	u32 maps = v->sequencer[SEQ_CHARACTERS], clocking = v->sequencer[SEQ_CLOCKING];
	u8 start = v->crtc[CRTC_CURSOR_START];

	s->kind = VGA_TEXT;
	s->cell_width = clocking & SEQ_HALF_CLOCK ? 16 : clocking & SEQ_8_DOTS ? 8 : 9;
	s->width = s->columns * s->cell_width;
	/* Whole rows only. */
	s->height -= s->height % (s->row_lines * s->scans);
	/* 8 KiB of plane 2 each; bits 4 and 5 are the lowest of the numbers. */
	s->font[0] = ((maps >> 4 & 1) | (maps << 1 & 6)) * 8192;
	s->font[1] = ((maps >> 5 & 1) | (maps >> 1 & 6)) * 8192;
	s->cursor = start & CRTC_CURSOR_OFF ? UINT32_MAX : word(v, CRTC_CURSOR_HIGH);
	s->cursor_first = start & 0x1f;
	s->cursor_last = v->crtc[CRTC_CURSOR_END] & 0x1f;
	s->underline = v->crtc[CRTC_UNDERLINE] & 0x1f;
	s->blinks = v->attribute[ATTR_MODE] & ATTR_BLINK;
	s->line_graphics = v->attribute[ATTR_MODE] & ATTR_LINE_GRAPHICS;
	/* Eight is no panning where characters have nine dots, and seven is one dot less. */
	s->panning = v->attribute[ATTR_PANNING];
	if (s->cell_width == 9)
		s->panning = s->panning >= 8 ? 0 : s->panning + 1;
	else
		s->panning = (s->panning & 7) * (s->cell_width / 8);
	colours_16(v, s);
}

static void graphics(const struct vga *v, struct vga_screen *s)
{
	u8 mode = v->crtc[CRTC_MODE], panning = v->attribute[ATTR_PANNING] & 7;
	bool bytes = mode & 0x40; /* addresses count bytes, else words */

	s->width = s->columns * 8;
	s->dot_width = v->sequencer[SEQ_CLOCKING] & SEQ_HALF_CLOCK ? 2 : 1;
	if (!(mode & 1))
		s->line_bit[0] = BIT(bytes ? 13 : 12);
	if (!(mode & 2))
		s->line_bit[1] = BIT(bytes ? 14 : 13);
	switch (v->graphics[GFX_MODE] & GFX_SHIFT) {
	case 0x00:
		s->kind = VGA_16_COLOURS;
		break;
	case 0x20:
		s->kind = VGA_4_COLOURS;
		break;
	default:
		s->kind = VGA_256_COLOURS;
		s->dot_width = 2;
		s->panning = panning & 6u;
		colours_256(v, s);
		return;
	}
	s->width *= s->dot_width;
	s->panning = panning * s->dot_width;
	colours_16(v, s);
}

static void dispi(const struct vga *v, struct vga_screen *s)
{
	const struct vga_dispi *d = &v->dispi;

	s->width = d->xres;
	s->height = d->yres;
	s->start = vga_dispi_start(d);
	s->pitch = vga_dispi_pitch(d) / 4;
	s->wrap = VGA_MEMORY / 4 - 1;
	s->dot_width = 1;
	s->bpp = d->bpp;
	s->columns = (d->xres * (d->bpp == 15 ? 16u : d->bpp) / 8 + 3) / 4;
	if (d->bpp == 4) {
		s->kind = VGA_16_COLOURS;
		s->columns = d->xres / 8;
		colours_16(v, s);
		return;
	}
	s->kind = VGA_DIRECT;
	if (d->bpp == 8)
		colours_256(v, s);
}

void vga_screen_of(const struct vga *v, struct vga_screen *s)
{
	const u8 *c = v->crtc;

	*s = (struct vga_screen){ .split = UINT32_MAX, .row_lines = 1, .scans = 1 };
	s->columns = c[CRTC_H_DISPLAY_END] + 1u;
	s->height = vertical_end(v) + 1;
	if (vga_dispi_on(&v->dispi)) {
		dispi(v, s);
		goto blank;
	}
	s->wrap = VGA_PLANES / 4 - 1;
	s->start = word(v, CRTC_START_HIGH) + (c[CRTC_PRESET_ROW] >> 5 & 3u);
	s->pitch = c[CRTC_OFFSET] * 2u;
	s->split = line_compare(v);
	s->row_lines = (c[CRTC_MAX_SCAN] & 0x1fu) + 1;
	s->scans = c[CRTC_MAX_SCAN] & CRTC_DOUBLE_SCAN ? 2 : 1;
	s->preset = c[CRTC_PRESET_ROW] & 0x1f;
	s->panning_top = v->attribute[ATTR_MODE] & ATTR_PANNING_TOP;
	if (v->graphics[GFX_MISC] & GFX_GRAPHICS)
		graphics(v, s);
	else
		text(v, s);
blank:
	if (!(v->attribute_index & ATTR_SCREEN_ON) || !s->width || !s->height)
		s->kind = VGA_BLANK;
}

struct vga_row vga_row_of(const struct vga_screen *s, u32 y)
{
	bool below = y > s->split;
	u32 from = below ? s->split + 1 : 0;
	u32 line = (y - from) / s->scans + (below ? 0 : s->preset);
	struct vga_row r = { .address = (below ? 0 : s->start) + line / s->row_lines * s->pitch,
			     .line = line % s->row_lines,
			     .panning = below && s->panning_top ? 0 : s->panning };

	for (u32 bit = 0; bit < 2; bit++)
		if (s->line_bit[bit])
			r.address = (r.address & ~s->line_bit[bit]) |
				    (r.line >> bit & 1 ? s->line_bit[bit] : 0);
	return r;
}

bool vga_line_is_dirty(const struct vga_screen *s, const u64 *dirty, u32 y)
{
	struct vga_row r = vga_row_of(s, y);
	u32 last = s->columns + 1; /* panned by a part of one */

	for (u32 at = 0; at <= last; at += PAGE_SIZE / 4) {
		u32 page = ((r.address + at) & s->wrap) * 4 / PAGE_SIZE;

		if (dirty[page / 64] & BIT64(page % 64))
			return true;
	}

	u32 page = ((r.address + last) & s->wrap) * 4 / PAGE_SIZE;

	return dirty[page / 64] & BIT64(page % 64);
}

u8 vga_blink_at(const struct vga *v, u64 ns)
{
	u64 frame = ns / vga_retrace_frame_ns(v);

	return (u8)((frame / CURSOR_FRAMES & 1 ? 0 : VGA_SHOW_CURSOR) |
		    (frame / (2 * CURSOR_FRAMES) & 1 ? 0 : VGA_SHOW_BLINK));
}
