/* SPDX-License-Identifier: MIT */
/*
 * VGA text mode 3 as firmware leaves it: 80 by 25 cells at B8000h, CRTC at 3D4h.
 */
#pragma once

#include "drivers/lib/terminal.h"

#define VGA_TEXT_COLUMNS 80u
#define VGA_TEXT_ROWS	 25u

extern const struct terminal_ops vga_text_ops;
