/* SPDX-License-Identifier: MIT */
/*
 * Scan lines of the graphics modes.
 */
#include "emu/chip/vga_screen.h"

#include "kernel/base/string.h"

static void dots(const struct vga_screen *s, struct vga_pen *p, u32 rgb)
{
	for (u32 n = 0; n < s->dot_width; n++)
		vga_dot(p, rgb);
}

/* A bit of each plane, from the left. */
static void draw_16(const struct vga_screen *s, u32 cell, struct vga_pen *p)
{
	for (u32 bit = 8; bit--;)
		dots(s, p,
		     s->colour[(cell >> bit & 1) | (cell >> (7 + bit) & 2) |
			       (cell >> (14 + bit) & 4) | (cell >> (21 + bit) & 8)]);
}

/* Two bits a dot: four in planes 0 and 2, four in planes 1 and 3. */
static void draw_4(const struct vga_screen *s, u32 cell, struct vga_pen *p)
{
	for (u32 half = 0; half < 2; half++)
		for (u32 shift = 8; shift;) {
			u32 low = cell >> half * 8, high = cell >> (half * 8 + 16);

			shift -= 2;
			dots(s, p, s->colour[(low >> shift & 3) | (high >> shift & 3) << 2]);
		}
}

static void draw_256(const struct vga_screen *s, u32 cell, struct vga_pen *p)
{
	for (u32 plane = 0; plane < 4; plane++)
		dots(s, p, s->colour[cell >> plane * 8 & 0xff]);
}

static void draw_planes(const struct vga_screen *s, const u8 *memory, const struct vga_row *r,
			struct vga_pen *p)
{
	for (u32 at = r->address; p->x < p->width; at++) {
		u32 cell = vga_cell(s, memory, at);

		if (s->kind == VGA_256_COLOURS)
			draw_256(s, cell, p);
		else if (s->kind == VGA_4_COLOURS)
			draw_4(s, cell, p);
		else
			draw_16(s, cell, p);
	}
}

/* Five or six bits as eight, as full as they are. */
static u32 wider(u32 value, unsigned bits)
{
	value &= (1u << bits) - 1;
	return value << (8 - bits) | value >> (2 * bits - 8);
}

static u32 rgb_16(u32 v)
{
	return wider(v >> 11, 5) << 16 | wider(v >> 5, 6) << 8 | wider(v, 5);
}

/* QEMU's, whose pictures are our measure, leaves the low bits of these 0. */
static u32 rgb_15(u32 v)
{
	return (v << 9 & 0xf80000) | (v << 6 & 0xf800) | (v << 3 & 0xf8);
}

/* A line that begins at any byte and may go around the end of memory. */
static void draw_direct(const struct vga_screen *s, const u8 *memory, u32 at, u32 *rgb)
{
	u32 wrap = s->wrap * 4 + 3, size = (s->bpp + 7) / 8;

	for (u32 x = 0; x < s->width; x++, at += size) {
		u32 v = 0;

		for (u32 i = 0; i < size; i++)
			v |= (u32)memory[(at + i) & wrap] << 8 * i;
		rgb[x] = size == 1	? s->colour[v]
			 : s->bpp == 15 ? rgb_15(v)
			 : s->bpp == 16 ? rgb_16(v)
					: v & 0xffffff;
	}
}

void vga_draw_line(const struct vga_screen *s, const u8 *memory, u32 y, u8 show, u32 *rgb)
{
	struct vga_row r = vga_row_of(s, y);
	struct vga_pen pen = { .rgb = rgb, .x = -(s32)r.panning, .width = (s32)s->width };

	switch (s->kind) {
	case VGA_BLANK:
		memset(rgb, 0, s->width * sizeof(*rgb));
		return;
	case VGA_TEXT:
		vga_draw_text(s, memory, &r, show, &pen);
		return;
	case VGA_DIRECT:
		draw_direct(s, memory, r.address * 4, rgb);
		return;
	default:
		draw_planes(s, memory, &r, &pen);
	}
}
