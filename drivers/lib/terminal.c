/* SPDX-License-Identifier: MIT */
/*
 * A small VT100. ECMA-48: CUU CUD CUF CUB CUP HVP ED EL SGR; unknown sequences are eaten.
 */
#include "drivers/lib/terminal.h"

#include "kernel/base/string.h"

#define DEFAULT_FOREGROUND 7u
#define DEFAULT_BACKGROUND 0u

/* SGR numbers colours as red green blue bits, VGA as blue green red. */
static const u8 vga_color[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };

static u16 make_cell(const struct terminal *t, char c)
{
	unsigned fg = t->foreground | (t->bold ? 8u : 0u), bg = t->background;

	if (t->reverse)
		return (u16)((u8)c | bg << 8 | (fg & 7) << 12);
	return (u16)((u8)c | fg << 8 | bg << 12);
}

static u16 *row_of(struct terminal *t, unsigned y)
{
	unsigned at = t->top + y;

	return t->want[at < t->rows ? at : at - t->rows];
}

static void touch(struct terminal *t, unsigned x0, unsigned y0, unsigned x1, unsigned y1)
{
	t->dirty_x0 = MIN(t->dirty_x0, x0);
	t->dirty_y0 = MIN(t->dirty_y0, y0);
	t->dirty_x1 = MAX(t->dirty_x1, x1);
	t->dirty_y1 = MAX(t->dirty_y1, y1);
}

static void fill(struct terminal *t, unsigned y, unsigned from, unsigned to)
{
	u16 blank = (u16)(' ' | DEFAULT_FOREGROUND << 8 | (unsigned)t->background << 12);
	u16 *row = row_of(t, y);

	for (unsigned x = from; x < to; x++)
		row[x] = blank;
	touch(t, from, y, to, y + 1);
}

static void reset_attributes(struct terminal *t)
{
	t->foreground = DEFAULT_FOREGROUND;
	t->background = DEFAULT_BACKGROUND;
	t->bold = t->reverse = false;
}

static void show_row(struct terminal *t, unsigned y)
{
	const u16 *want = row_of(t, y);
	u16 *shown = t->shown[y];

	for (unsigned x = t->dirty_x0; x < t->dirty_x1; x++) {
		if (want[x] == shown[x])
			continue;
		shown[x] = want[x];
		t->ops->cell(x, y, want[x]);
	}
}

static void show(struct terminal *t)
{
	if (t->hidden)
		return;
	for (unsigned y = t->dirty_y0; y < t->dirty_y1; y++)
		show_row(t, y);
	t->dirty_x0 = t->dirty_y0 = UINT32_MAX;
	t->dirty_x1 = t->dirty_y1 = 0;
	if (t->ops->cursor)
		t->ops->cursor(t->x, t->y);
}

void terminal_init(struct terminal *t, const struct terminal_ops *ops, unsigned columns,
		   unsigned rows)
{
	memset(t, 0, sizeof(*t)); /* shown: nothing, so that every cell is drawn once */
	t->ops = ops;
	t->columns = MIN(columns, TERMINAL_MAX_COLUMNS);
	t->rows = MIN(rows, TERMINAL_MAX_ROWS);
	reset_attributes(t);
	for (unsigned y = 0; y < t->rows; y++)
		fill(t, y, 0, t->columns);
	show(t);
}

void terminal_hide(struct terminal *t, bool hidden)
{
	t->hidden = hidden;
	memset(t->shown, 0, sizeof(t->shown));
}

void terminal_redraw(struct terminal *t, unsigned row)
{
	touch(t, 0, row, t->columns, row + 1);
	show(t);
}

static void line_feed(struct terminal *t)
{
	t->wrapped = false;
	if (t->y + 1 < t->rows) {
		t->y++;
		return;
	}
	t->top = t->top + 1 < t->rows ? t->top + 1 : 0;
	fill(t, t->rows - 1, 0, t->columns);
	touch(t, 0, 0, t->columns, t->rows);
}

static void put(struct terminal *t, char c)
{
	if (t->wrapped) {
		t->x = 0;
		line_feed(t);
	}
	row_of(t, t->y)[t->x] = make_cell(t, c);
	touch(t, t->x, t->y, t->x + 1, t->y + 1);
	if (t->x + 1 < t->columns)
		t->x++;
	else
		t->wrapped = true;
}

static void move(struct terminal *t, int dx, int dy)
{
	int x = (int)t->x + dx, y = (int)t->y + dy;

	t->x = (unsigned)MIN(MAX(x, 0), (int)t->columns - 1);
	t->y = (unsigned)MIN(MAX(y, 0), (int)t->rows - 1);
	t->wrapped = false;
}

static void erase_line(struct terminal *t, unsigned what)
{
	fill(t, t->y, what ? 0 : t->x, what == 1 ? t->x + 1 : t->columns);
}

static void erase_display(struct terminal *t, unsigned what)
{
	erase_line(t, what);
	for (unsigned y = 0; y < t->rows; y++)
		if (what == 2 || (what == 0 && y > t->y) || (what == 1 && y < t->y))
			fill(t, y, 0, t->columns);
}

static void select_graphic(struct terminal *t, unsigned p)
{
	if (p == 0)
		reset_attributes(t);
	else if (p == 1)
		t->bold = true;
	else if (p == 22)
		t->bold = false;
	else if (p == 7 || p == 27)
		t->reverse = p == 7;
	else if (p >= 30 && p <= 37)
		t->foreground = vga_color[p - 30];
	else if (p == 39)
		t->foreground = DEFAULT_FOREGROUND;
	else if (p >= 40 && p <= 47)
		t->background = vga_color[p - 40];
	else if (p == 49)
		t->background = DEFAULT_BACKGROUND;
	else if (p >= 90 && p <= 97)
		t->foreground = vga_color[p - 90] | 8;
}

static void csi(struct terminal *t, char final)
{
	unsigned p0 = t->parameter[0], p1 = t->parameter[1];
	int n = p0 ? (int)MIN(p0, 1000u) : 1;

	switch (final) {
	case 'A':
		move(t, 0, -n);
		return;
	case 'B':
		move(t, 0, n);
		return;
	case 'C':
		move(t, n, 0);
		return;
	case 'D':
		move(t, -n, 0);
		return;
	case 'H':
	case 'f':
		t->y = MIN(MAX(p0, 1u), t->rows) - 1;
		t->x = MIN(MAX(p1, 1u), t->columns) - 1;
		t->wrapped = false;
		return;
	case 'J':
		erase_display(t, p0);
		return;
	case 'K':
		erase_line(t, p0);
		return;
	case 'm':
		for (unsigned i = 0; i <= t->parameters && i < ARRAY_SIZE(t->parameter); i++)
			select_graphic(t, t->parameter[i]);
		return;
	default:
		return;
	}
}

static void csi_byte(struct terminal *t, char c)
{
	if (c >= '0' && c <= '9') {
		if (t->parameters < ARRAY_SIZE(t->parameter) && t->parameter[t->parameters] < 10000)
			t->parameter[t->parameters] =
				t->parameter[t->parameters] * 10 + (unsigned)(c - '0');
	} else if (c == ';') {
		t->parameters++;
	} else if (c >= 0x40) {
		t->state = TERMINAL_TEXT;
		csi(t, c);
	}
}

static void text_byte(struct terminal *t, char c, bool cooked)
{
	switch (c) {
	case '\n':
		if (cooked)
			t->x = 0;
		line_feed(t);
		return;
	case '\r':
		t->x = 0;
		t->wrapped = false;
		return;
	case '\b':
		move(t, -1, 0);
		return;
	case '\t':
		t->x = MIN((t->x | 7) + 1, t->columns - 1);
		return;
	case 0x1b:
		t->state = TERMINAL_ESC;
		return;
	default:
		if (c >= ' ' && c < 0x7f)
			put(t, c);
		else if ((u8)c >= 0xc0) /* UTF-8: one mark per character */
			put(t, '?');
	}
}

static void byte(struct terminal *t, char c, bool cooked)
{
	switch (t->state) {
	case TERMINAL_TEXT:
		text_byte(t, c, cooked);
		return;
	case TERMINAL_ESC:
		memset(t->parameter, 0, sizeof(t->parameter));
		t->parameters = 0;
		t->state = c == '['		  ? TERMINAL_CSI
			   : c == '(' || c == ')' ? TERMINAL_SKIP
						  : TERMINAL_TEXT;
		return;
	case TERMINAL_CSI:
		csi_byte(t, c);
		return;
	case TERMINAL_SKIP:
		t->state = TERMINAL_TEXT;
		return;
	}
}

void terminal_write(struct terminal *t, const char *s, size_t n, bool cooked)
{
	while (n--)
		byte(t, *s++, cooked);
	show(t);
}
