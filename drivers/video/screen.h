/* SPDX-License-Identifier: MIT */
/*
 * The machine's screen as the monitor's console: VGA text, or the linear frame buffer that the boot
 * loader set up.
 */
#pragma once

#include "drivers/video/screen_mode.h"

/* Attaches VGA text unless mode is a frame buffer; works from the first instruction on. */
void screen_init_text(const struct screen_mode *mode);
/* Attaches a frame buffer below 4 GiB by way of the boot page tables: for the last words of a
 * machine that is refused before it has final ones. */
void screen_init_refusal(const struct screen_mode *mode);
/* Attaches the frame buffer, if it is one, and shows what was logged before; needs the final page
 * tables. */
void screen_init_graphics(const struct screen_mode *mode);
