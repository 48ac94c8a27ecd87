/* SPDX-License-Identifier: MIT */
/*
 * Text on a linear frame buffer of 15 to 32 bits per pixel, in cells of 8 by 16 pixels.
 */
#pragma once

#include "drivers/lib/terminal.h"
#include "drivers/video/screen_mode.h"

extern const struct terminal_ops framebuffer_ops;

/* pixels: where the frame buffer is mapped. Returns 0 and the size in cells, or E_NOSYS for a
 * format that it cannot write. */
int framebuffer_init(const struct screen_mode *mode, void *pixels, unsigned *columns,
		     unsigned *rows);
/* The whole screen becomes black, and the cursor's place is forgotten. */
void framebuffer_clear(void);
/* n dots of a line, 00RRGGBBh, from x on; all of them are on the screen. */
void framebuffer_line(u32 x, u32 y, const u32 *rgb, u32 n);
