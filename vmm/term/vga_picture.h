/* SPDX-License-Identifier: MIT */
/*
 * From a VGA's screen to cells of a terminal: text as it is, anything else as a notice. Pure.
 */
#pragma once

#include "emu/chip/vga_screen.h"
#include "vmm/term/ansi_screen.h"

/* Video memory must be up to date: vga_window_sync(). name: whose screen it is, for the notice. */
void vga_picture(const struct vga_screen *s, const u8 *memory, const char *name,
		 struct ansi_picture *p);
