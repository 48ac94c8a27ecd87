/* SPDX-License-Identifier: MIT */
/*
 * The colours of a text screen are what the palette makes of its sixteen, each the terminal's
 * nearest. A font of the guest's own cannot be seen: characters count as code page 437.
 */
#include "vmm/term/vga_picture.h"

#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define NOTICE_COLUMNS 80u
#define NOTICE_ROWS    25u
#define NOTICE_PEN     (7u << 8)
#define BRIGHT	       8u

static u32 difference(u32 a, u32 b)
{
	u32 sum = 0;

	for (unsigned shift = 0; shift < 24; shift += 8) {
		s32 d = (s32)(a >> shift & 0xff) - (s32)(b >> shift & 0xff);

		sum += (u32)(d * d);
	}
	return sum;
}

/* The one of VGA's sixteen colours that looks most like it. */
static u8 nearest(u32 rgb)
{
	static const u32 standard[16] = { 0x000000, 0x0000aa, 0x00aa00, 0x00aaaa,
					  0xaa0000, 0xaa00aa, 0xaa5500, 0xaaaaaa,
					  0x555555, 0x5555ff, 0x55ff55, 0x55ffff,
					  0xff5555, 0xff55ff, 0xffff55, 0xffffff };
	u8 best = 0;

	for (u8 i = 1; i < 16; i++)
		if (difference(rgb, standard[i]) < difference(rgb, standard[best]))
			best = i;
	return best;
}

static u32 cell_of(const struct vga_screen *s, const u8 *colour, u32 cell)
{
	u32 attribute = cell >> 8 & 0xff, back = attribute >> 4;
	u32 made = (cell & 0xff) | (u32)colour[attribute & 15] << 8;

	if (s->blinks && back & BRIGHT) {
		made |= ANSI_BLINKS;
		back &= ~BRIGHT;
	}
	return made | (u32)colour[back] << 12;
}

static void text(const struct vga_screen *s, const u8 *memory, struct ansi_picture *p)
{
	u32 lines = s->row_lines * s->scans;
	u8 colour[16];

	for (unsigned i = 0; i < 16; i++)
		colour[i] = nearest(s->colour[i]);
	p->columns = MIN(s->columns, ANSI_COLUMNS);
	p->rows = MIN(s->height / lines, ANSI_ROWS);
	p->cursor_y = p->rows;
	for (u32 y = 0; y < p->rows; y++) {
		struct vga_row r = vga_row_of(s, y * lines);

		for (u32 x = 0; x < p->columns; x++) {
			u32 at = r.address + x;

			p->cell[y * p->columns + x] = cell_of(s, colour, vga_cell(s, memory, at));
			if (at == s->cursor && s->cursor_first <= s->cursor_last) {
				p->cursor_x = x;
				p->cursor_y = y;
			}
		}
	}
}

static void notice_line(struct ansi_picture *p, u32 y, const char *line)
{
	u32 n = (u32)MIN(strlen(line), (size_t)NOTICE_COLUMNS), x = (NOTICE_COLUMNS - n) / 2;

	for (u32 i = 0; i < n; i++)
		p->cell[y * NOTICE_COLUMNS + x + i] = (u8)line[i] | NOTICE_PEN;
}

static void describe(const struct vga_screen *s, char *line, size_t size)
{
	switch (s->kind) {
	case VGA_4_COLOURS:
		fmt_print(line, size, "graphics, %u by %u, 4 colours", s->width, s->height);
		return;
	case VGA_16_COLOURS:
		fmt_print(line, size, "graphics, %u by %u, 16 colours", s->width, s->height);
		return;
	case VGA_256_COLOURS:
		fmt_print(line, size, "graphics, %u by %u, 256 colours", s->width, s->height);
		return;
	case VGA_DIRECT:
		fmt_print(line, size, "graphics, %u by %u, %u bits", s->width, s->height, s->bpp);
		return;
	default:
		fmt_print(line, size, "the screen is off");
		return;
	}
}

static void notice(const struct vga_screen *s, const char *name, struct ansi_picture *p)
{
	char line[NOTICE_COLUMNS + 1];

	p->columns = NOTICE_COLUMNS;
	p->rows = NOTICE_ROWS;
	p->cursor_y = p->rows;
	for (u32 i = 0; i < NOTICE_COLUMNS * NOTICE_ROWS; i++)
		p->cell[i] = ' ' | NOTICE_PEN;
	notice_line(p, 11, name);
	describe(s, line, sizeof(line));
	notice_line(p, 12, line);
	if (s->kind != VGA_BLANK)
		notice_line(p, 13, "screen NAME sixel shows it; so does screendump NAME");
}

void vga_picture(const struct vga_screen *s, const u8 *memory, const char *name,
		 struct ansi_picture *p)
{
	p->cursor_x = 0;
	if (s->kind == VGA_TEXT)
		text(s, memory, p);
	else
		notice(s, name, p);
}
