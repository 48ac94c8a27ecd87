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
