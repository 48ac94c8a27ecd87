/* SPDX-License-Identifier: MIT */
/*
 * A picture as sixels (DEC STD 070, VT340): bands of six lines, a colour of the band after another.
 * Colours are exact if the picture has a palette, else the nearest of 216. Pure.
 */
#pragma once

#include "kernel/base/types.h"

#define SIXEL_WIDTH 4096u
#define SIXEL_LINES 6u
#define SIXEL_PIECE (SIXEL_WIDTH + 64u)
#define SIXEL_CUBE  216u

struct sixel {
	void (*line)(void *ctx, u32 y, u32 *rgb); /* makes width dots, 00RRGGBBh */
	void *ctx;
	u32 width, height;
	u32 palette[256], colours;
	bool cube;
	bool defined[256]; /* the terminal knows that colour */
	enum { SIXEL_HEAD, SIXEL_BAND, SIXEL_COLOUR, SIXEL_TAIL, SIXEL_DONE } state;
	u32 y;		/* first line of the band */
	u32 next;	/* colour of the band to send */
	bool used[256]; /* in the band */
	u8 index[SIXEL_LINES][SIXEL_WIDTH];
	u32 rgb[SIXEL_WIDTH];
};

/* palette: colours of them, 256 at most; NULL: the cube. line, ctx, width and height are set. */
void sixel_begin(struct sixel *s, const u32 *palette, u32 colours);
/* The next piece, up to SIXEL_PIECE bytes; 0: it is done. */
u32 sixel_next(struct sixel *s, char *out);
static inline bool sixel_sending(const struct sixel *s)
{
	return s->state != SIXEL_DONE;
}
