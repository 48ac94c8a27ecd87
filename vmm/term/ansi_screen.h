/* SPDX-License-Identifier: MIT */
/*
 * A grid of cells on a terminal that understands ECMA-48 and UTF-8: only what changed is sent. A
 * picture may be sent in several pieces; each piece is made of the newest picture, so that a slow
 * line sees fewer pictures and every byte of them. Pure.
 *
 *     cell: bits 0..7 character (code page 437), 8..11 foreground, 12..15 background (VGA's order
 *           of colours: bit 0 blue, 1 green, 2 red, 3 bright), 16 blinks
 */
#pragma once

#include "kernel/base/types.h"

#define ANSI_COLUMNS 256u
#define ANSI_ROWS    128u
#define ANSI_BLINKS  BIT(16)
/* A piece holds this at least: a cursor movement, all attributes and one character. */
#define ANSI_PIECE_LEAST 64u

/* What is to be shown. */
struct ansi_picture {
	u32 columns, rows;		    /* up to ANSI_COLUMNS and ANSI_ROWS */
	u32 cursor_x, cursor_y;		    /* cursor_y == rows: there is none */
	u32 cell[ANSI_ROWS * ANSI_COLUMNS]; /* a row after another, columns of each */
};

struct ansi_screen {
	u32 columns, rows; /* of the terminal */
	u32 left, top;	   /* the cell of the picture in its corner */
	u32 pen;	   /* attributes that are set, as in a cell; PEN_UNKNOWN */
	u32 x, y;	   /* where the terminal's cursor is, if known */
	bool place_known;
	bool cursor_on, cursor_known;
	bool cleared;
	u32 shown[ANSI_ROWS * ANSI_COLUMNS]; /* a row after another, columns of the terminal each */
};

/* Nothing is known of what the terminal shows. */
void ansi_screen_init(struct ansi_screen *t, u32 columns, u32 rows);
/* Makes up to size bytes of what brings the terminal nearer to p; returns how many; 0: it shows p.
 * If the terminal is smaller, it shows the part that the cursor is in. */
u32 ansi_screen_draw(struct ansi_screen *t, const struct ansi_picture *p, char *out, u32 size);
