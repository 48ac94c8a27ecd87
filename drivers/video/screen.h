/* SPDX-License-Identifier: MIT */
/*
 * The machine's screen as the monitor's console: VGA text, or the linear frame buffer that the boot
 * loader set up.
 */
#pragma once

#include "kernel/base/types.h"

/* As the boot loader describes it. */
struct screen_mode {
	hpa_t base; /* 0: nothing said, which on a BIOS machine means VGA text */
	u32 pitch, width, height;
	u8 bpp;
	bool text;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};

/* Attaches VGA text unless mode is a frame buffer; works from the first instruction on. */
void screen_init_text(const struct screen_mode *mode);
/* Attaches a frame buffer below 4 GiB by way of the boot page tables: for the last words of a
 * machine that is refused before it has final ones. */
void screen_init_refusal(const struct screen_mode *mode);
/* Attaches the frame buffer, if it is one, and shows what was logged before; needs the final page
 * tables. */
void screen_init_graphics(const struct screen_mode *mode);
