/* SPDX-License-Identifier: MIT */
/*
 * Text on a linear frame buffer, which is only ever written: reading write-combining memory is
 * slow.
 */
#include "drivers/video/framebuffer.h"

#include "kernel/base/font.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"

#define CELL_WIDTH  8u
#define CELL_HEIGHT 16u

static struct screen_mode mode;
static u8 *pixels;
static unsigned bytes_per_pixel;
static u32 palette[16];
static unsigned cursor_x, cursor_y;
static u16 cursor_cell[TERMINAL_MAX_ROWS]
		      [TERMINAL_MAX_COLUMNS]; /* what is shown, to redraw under the cursor */

static u32 component(unsigned level8, u8 pos, u8 size)
{
	return size >= 8 ? level8 << (size - 8) << pos : level8 >> (8 - size) << pos;
}

/* VGA's colours: bit 0 blue, 1 green, 2 red, 3 bright; brown instead of dark yellow. */
static u32 make_color(unsigned c)
{
	unsigned low = c & 8 ? 0x55 : 0, high = c & 8 ? 0xff : 0xaa;
	unsigned green = c & 2 ? (c == 6 ? 0x55 : high) : low;

	return component(c & 4 ? high : low, mode.red_pos, mode.red_size) |
	       component(green, mode.green_pos, mode.green_size) |
	       component(c & 1 ? high : low, mode.blue_pos, mode.blue_size);
}

static void put_pixel(u8 *at, u32 color)
{
	for (unsigned i = 0; i < bytes_per_pixel; i++)
		((volatile u8 *)at)[i] = (u8)(color >> 8 * i);
}

/* Two pixels at a time: a full screen of them moves when text scrolls. */
static void draw_line32(u8 *at, unsigned bits, u32 fg, u32 bg)
{
	const u64 pair[4] = { (u64)bg << 32 | bg, (u64)fg << 32 | bg, (u64)bg << 32 | fg,
			      (u64)fg << 32 | fg };
	volatile u64 *p = (void *)at;

	p[0] = pair[bits >> 6];
	p[1] = pair[bits >> 4 & 3];
	p[2] = pair[bits >> 2 & 3];
	p[3] = pair[bits & 3];
}

static void draw_line(u8 *at, unsigned bits, u32 fg, u32 bg)
{
	for (unsigned x = 0; x < CELL_WIDTH; x++, at += bytes_per_pixel)
		put_pixel(at, bits & 0x80 >> x ? fg : bg);
}

/* A font row stands for two lines of pixels. */
static void draw(unsigned column, unsigned row, u16 cell, bool under_cursor)
{
	u32 fg = palette[cell >> 8 & 15], bg = palette[cell >> 12];
	const u8 *glyph = font_glyph((u8)cell);

	for (unsigned y = 0; y < CELL_HEIGHT; y++) {
		u8 *at = pixels + (row * CELL_HEIGHT + y) * mode.pitch +
			 column * CELL_WIDTH * bytes_per_pixel;
		unsigned bits = under_cursor && y >= 14 ? 0xff : glyph[y / 2];

		if (bytes_per_pixel == 4)
			draw_line32(at, bits, fg, bg);
		else
			draw_line(at, bits, fg, bg);
	}
}

static void cell(unsigned column, unsigned row, u16 c)
{
	cursor_cell[row][column] = c;
	draw(column, row, c, false);
}

static void cursor(unsigned column, unsigned row)
{
	if (column == cursor_x && row == cursor_y)
		return;
	draw(cursor_x, cursor_y, cursor_cell[cursor_y][cursor_x], false);
	cursor_x = column;
	cursor_y = row;
	draw(column, row, cursor_cell[row][column], true);
}

void framebuffer_clear(void)
{
	for (unsigned y = 0; y < mode.height; y++)
		memset(pixels + (size_t)y * mode.pitch, 0, (size_t)mode.width * bytes_per_pixel);
	cursor_x = cursor_y = 0;
}

void framebuffer_line(u32 x, u32 y, const u32 *rgb, u32 n)
{
	u8 *at = pixels + (size_t)y * mode.pitch + (size_t)x * bytes_per_pixel;

	for (; n--; at += bytes_per_pixel, rgb++)
		put_pixel(at, component(*rgb >> 16 & 0xff, mode.red_pos, mode.red_size) |
				      component(*rgb >> 8 & 0xff, mode.green_pos, mode.green_size) |
				      component(*rgb & 0xff, mode.blue_pos, mode.blue_size));
}

const struct terminal_ops framebuffer_ops = { .cell = cell, .cursor = cursor };

int framebuffer_init(const struct screen_mode *m, void *mapped, unsigned *columns, unsigned *rows)
{
	if (m->bpp < 15 || m->bpp > 32 || !m->pitch)
		return E_NOSYS;
	mode = *m;
	bytes_per_pixel = (m->bpp + 7u) / 8;
	pixels = mapped;
	for (unsigned c = 0; c < ARRAY_SIZE(palette); c++)
		palette[c] = make_color(c);
	*columns = m->width / CELL_WIDTH;
	*rows = m->height / CELL_HEIGHT;
	framebuffer_clear(); /* the rest of the picture that a boot loader left */
	return 0;
}
