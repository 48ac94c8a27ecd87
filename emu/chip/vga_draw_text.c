/* SPDX-License-Identifier: MIT */
/*
 * A scan line of a text mode: character in plane 0, attribute in plane 1, the character's dots in
 * plane 2, 32 bytes for each.
 *
 *      7       6 5 4        3                     2 1 0
 *      blink   background   foreground, or font   foreground
 */
#include "emu/chip/vga_screen.h"

/* B0h to DFh: shades and what boxes are drawn of join their right neighbour. A card of IBM's begins
 * at C0h; QEMU's, whose pictures are our measure, here. */
static bool joins(const struct vga_screen *s, u8 character)
{
	return s->line_graphics && character >= 0xb0 && character <= 0xdf;
}

static bool on_cursor(const struct vga_screen *s, const struct vga_row *r, u32 address, u8 show)
{
	return (show & VGA_SHOW_CURSOR) && (address & s->wrap) == (s->cursor & s->wrap) &&
	       s->cursor != UINT32_MAX && r->line >= s->cursor_first && r->line <= s->cursor_last;
}

/* The dots of one character's line, bit 8 leftmost. */
static u32 dots_of(const struct vga_screen *s, const u8 *memory, const struct vga_row *r, u32 cell,
		   u32 address, u8 show)
{
	u8 character = (u8)cell, attribute = (u8)(cell >> 8);
	u32 glyph = s->font[attribute >> 3 & 1] + character * 32u + r->line;
	u32 dots = vga_cell(s, memory, glyph) >> 16 & 0xff;

	dots = dots << 1 | (joins(s, character) ? dots & 1 : 0);
	if (s->blinks && (attribute & 0x80) && !(show & VGA_SHOW_BLINK))
		dots = 0;
	if (r->line == s->underline && (attribute & 0x77) == 0x01)
		dots = 0x1ff;
	return on_cursor(s, r, address, show) ? 0x1ff : dots;
}

void vga_draw_text(const struct vga_screen *s, const u8 *memory, const struct vga_row *r, u8 show,
		   struct vga_pen *p)
{
	u32 wide = s->cell_width == 16 ? 2 : 1, count = s->cell_width / wide;

	for (u32 column = 0; p->x < p->width; column++) {
		u32 address = r->address + column;
		u32 cell = vga_cell(s, memory, address), attribute = cell >> 8 & 0xff;
		u32 dots = dots_of(s, memory, r, cell, address, show);
		u32 back = s->colour[attribute >> 4 & (s->blinks ? 7 : 15)];
		u32 fore = s->colour[attribute & 15];

		for (u32 i = 0; i < count; i++)
			for (u32 n = 0; n < wide; n++)
				vga_dot(p, dots & 0x100u >> i ? fore : back);
	}
}
