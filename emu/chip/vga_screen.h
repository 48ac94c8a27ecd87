/* SPDX-License-Identifier: MIT */
/*
 * From a VGA's registers and its memory to a picture. vga_screen_of() lays out what the registers
 * say; vga_draw_line() makes one scan line of it: a pure function of that, of video memory, and of
 * the moment (what blinks).
 */
#pragma once

#include "emu/chip/vga.h"

#define VGA_WIDTH_MAX  4096u /* dots of a line: 256 characters of 16 */
#define VGA_HEIGHT_MAX 2048u

struct vga_screen {
	enum {
		VGA_BLANK,
		VGA_TEXT,
		VGA_4_COLOURS,
		VGA_16_COLOURS,
		VGA_256_COLOURS,
		VGA_DIRECT
	} kind;
	u32 width, height; /* dots */
	u32 columns;	   /* characters, or dwords, of a line */
	u32 start, pitch;  /* dwords */
	u32 wrap;	   /* mask of a dword's address */
	u32 split;	   /* behind this scan line the picture begins again at address 0 */
	u32 row_lines;	   /* a character's height; graphics: lines that show one address */
	u32 scans;	   /* how often each is shown */
	u32 preset;	   /* the line of a row that comes first */
	u32 panning;	   /* dots that the picture is moved to the left */
	bool panning_top;  /* not behind the split */
	u32 line_bit[2];   /* bits of the address that are bits 0 and 1 of the line in its row */
	u32 dot_width;	   /* 1 or 2 */
	u32 bpp;	   /* VGA_DIRECT */
	u32 colour[256];   /* red, green, blue of each value; what planes are shown is in it */
	/* Text */
	u32 cell_width;				  /* dots: 8, 9 or 16 */
	u32 font[2];				  /* dwords: for bit 3 of the attribute 0 and 1 */
	u32 cursor;				  /* dword; UINT32_MAX: none */
	u32 cursor_first, cursor_last, underline; /* lines */
	bool blinks;	    /* bit 7 of the attribute, else it is the background's brightness */
	bool line_graphics; /* the ninth dot of some characters is the eighth's */
};

/* What is shown at the moment of what blinks. */
#define VGA_SHOW_CURSOR BIT(0)
#define VGA_SHOW_BLINK	BIT(1)

void vga_screen_of(const struct vga *v, struct vga_screen *s);
/* VGA_SHOW_* at a virtual time: the cursor changes every 16 pictures, characters every 32. */
u8 vga_blink_at(const struct vga *v, u64 ns);

/* rgb: s->width dots, 00RRGGBBh. y below s->height. */
void vga_draw_line(const struct vga_screen *s, const u8 *memory, u32 y, u8 show, u32 *rgb);
/* Has a page been written that this line shows? */
bool vga_line_is_dirty(const struct vga_screen *s, const u64 *dirty, u32 y);

/* --- For the files that draw */

struct vga_row {
	u32 address; /* dword of its first column */
	u32 line;    /* in its row */
	u32 panning;
};

struct vga_row vga_row_of(const struct vga_screen *s, u32 y);

/* Dots that go to a line, from left to right; what lies outside of it is cut off. */
struct vga_pen {
	u32 *rgb;
	s32 x, width;
};

static inline void vga_dot(struct vga_pen *p, u32 rgb)
{
	if (p->x >= 0 && p->x < p->width)
		p->rgb[p->x] = rgb;
	p->x++;
}

static inline u32 vga_cell(const struct vga_screen *s, const u8 *memory, u32 dword)
{
	return ((const u32 *)(const void *)memory)[dword & s->wrap];
}

void vga_draw_text(const struct vga_screen *s, const u8 *memory, const struct vga_row *r, u8 show,
		   struct vga_pen *p);
