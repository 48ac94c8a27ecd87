/* SPDX-License-Identifier: MIT */
/*
 * ECMA-48: CUP, SGR, ED; DECTCEM for the cursor. The last column is never written before another
 * place was addressed, so no terminal scrolls or wraps.
 */
#include "vmm/term/ansi_screen.h"

#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "vmm/term/cp437.h"

#define UNKNOWN UINT32_MAX
#define BLANK	(' ' | 7u << 8)

/* SGR numbers colours as red green blue bits, VGA as blue green red. */
static const u8 sgr_colour[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };

struct piece {
	char *out;
	u32 used, size;
};

static void put_text(struct piece *p, const char *s)
{
	while (*s)
		p->out[p->used++] = *s++;
}

static bool is_full(const struct piece *p)
{
	return p->used + ANSI_PIECE_LEAST > p->size;
}

void ansi_screen_init(struct ansi_screen *t, u32 columns, u32 rows)
{
	memset(t, 0, sizeof(*t));
	t->columns = MIN(MAX(columns, 1u), ANSI_COLUMNS);
	t->rows = MIN(MAX(rows, 1u), ANSI_ROWS);
	t->pen = UNKNOWN;
}

static unsigned colour(unsigned c, unsigned dark, unsigned bright)
{
	return sgr_colour[c & 7] + (c & 8 ? bright : dark);
}

static void set_pen(struct ansi_screen *t, u32 attributes, struct piece *p)
{
	char text[32];

	if (t->pen == attributes)
		return;
	t->pen = attributes;
	fmt_print(text, sizeof(text), "\x1b[0;%s%u;%um", attributes & ANSI_BLINKS ? "5;" : "",
		  colour(attributes >> 8 & 15, 30, 90), colour(attributes >> 12 & 15, 40, 100));
	put_text(p, text);
}

static void move_to(struct ansi_screen *t, u32 x, u32 y, struct piece *p)
{
	char text[24];

	if (t->place_known && t->x == x && t->y == y)
		return;
	fmt_print(text, sizeof(text), "\x1b[%u;%uH", y + 1, x + 1);
	put_text(p, text);
	t->place_known = true;
	t->x = x;
	t->y = y;
}

static void show_cursor(struct ansi_screen *t, bool on, struct piece *p)
{
	if (t->cursor_known && t->cursor_on == on)
		return;
	put_text(p, on ? "\x1b[?25h" : "\x1b[?25l");
	t->cursor_known = true;
	t->cursor_on = on;
}

static void clear(struct ansi_screen *t, struct piece *p)
{
	show_cursor(t, false, p);
	set_pen(t, BLANK & ~0xffu, p);
	put_text(p, "\x1b[2J");
	for (u32 i = 0; i < t->rows * t->columns; i++)
		t->shown[i] = BLANK;
	t->cleared = true;
}

static void draw_cell(struct ansi_screen *t, u32 x, u32 y, u32 cell, struct piece *p)
{
	show_cursor(t, false, p);
	move_to(t, x, y, p);
	set_pen(t, cell & ~0xffu, p);
	p->used += utf8_put(p->out + p->used, cp437_unicode((u8)cell));
	t->shown[y * t->columns + x] = cell;
	t->x++;
	/* Behind the last column terminals differ. */
	t->place_known = t->x < t->columns;
}

/* The part of the picture that is shown moves as little as brings the cursor into it. */
static u32 follow(u32 first, u32 size, u32 cursor, u32 all)
{
	if (all <= size)
		return 0;
	if (cursor < first)
		first = cursor;
	if (cursor >= first + size)
		first = cursor - size + 1;
	return MIN(first, all - size);
}

static u32 wanted(const struct ansi_screen *t, const struct ansi_picture *p, u32 x, u32 y)
{
	x += t->left;
	y += t->top;
	return x < p->columns && y < p->rows ? p->cell[y * p->columns + x] : BLANK;
}

static void place_cursor(struct ansi_screen *t, const struct ansi_picture *p, struct piece *out)
{
	u32 x = p->cursor_x - t->left, y = p->cursor_y - t->top;
	bool on =
		p->cursor_y < p->rows && p->cursor_x < p->columns && x < t->columns && y < t->rows;

	if (on)
		move_to(t, x, y, out);
	show_cursor(t, on, out);
}

u32 ansi_screen_draw(struct ansi_screen *t, const struct ansi_picture *p, char *out, u32 size)
{
	struct piece piece = { .out = out, .size = size };

	if (p->cursor_y < p->rows) {
		t->left = follow(t->left, t->columns, p->cursor_x, p->columns);
		t->top = follow(t->top, t->rows, p->cursor_y, p->rows);
	}
	if (!t->cleared)
		clear(t, &piece);
	for (u32 y = 0; y < t->rows; y++) {
		for (u32 x = 0; x < t->columns; x++) {
			u32 want = wanted(t, p, x, y);

			if (t->shown[y * t->columns + x] == want)
				continue;
			if (is_full(&piece))
				return piece.used;
			draw_cell(t, x, y, want, &piece);
		}
	}
	if (!is_full(&piece))
		place_cursor(t, p, &piece);
	return piece.used;
}
