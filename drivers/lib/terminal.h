/* SPDX-License-Identifier: MIT */
/*
 * A small VT100: text, colours, cursor movement and erasing, on a grid of cells. Pure; a driver
 * shows the cells.
 *
 *     cell: bits 0..7 character, 8..11 foreground, 12..15 background (VGA's sixteen colours)
 *
 * Changes are collected in the grid and shown at the end of a write, inside the rectangle that they
 * touched: cells that look as before are not drawn again, which makes scrolling cheap on slow video
 * memory. Scrolling turns the ring of rows.
 */
#pragma once

#include "kernel/base/types.h"

#define TERMINAL_MAX_COLUMNS 256u
#define TERMINAL_MAX_ROWS    90u

struct terminal_ops {
	void (*cell)(unsigned column, unsigned row, u16 cell);
	void (*cursor)(unsigned column, unsigned row); /* may be NULL */
};

struct terminal {
	const struct terminal_ops *ops;
	unsigned columns, rows, x, y;
	bool wrapped; /* the last column was written: the next character begins a line */
	bool bold, reverse;
	bool hidden; /* somebody else draws: what is written is shown later */
	u8 foreground, background;
	enum { TERMINAL_TEXT, TERMINAL_ESC, TERMINAL_CSI, TERMINAL_SKIP } state;
	unsigned parameter[8], parameters;
	unsigned top;					 /* want[(top + y) % rows] is row y */
	unsigned dirty_x0, dirty_y0, dirty_x1, dirty_y1; /* half open; empty if x0 >= x1 */
	u16 want[TERMINAL_MAX_ROWS][TERMINAL_MAX_COLUMNS];
	u16 shown[TERMINAL_MAX_ROWS][TERMINAL_MAX_COLUMNS];
};

void terminal_init(struct terminal *t, const struct terminal_ops *ops, unsigned columns,
		   unsigned rows);
/* Hidden, nothing is drawn. Shown again, nothing counts as drawn: terminal_redraw() of each row. */
void terminal_hide(struct terminal *t, bool hidden);
void terminal_redraw(struct terminal *t, unsigned row);
/* cooked: \n also returns the carriage. */
void terminal_write(struct terminal *t, const char *s, size_t n, bool cooked);
