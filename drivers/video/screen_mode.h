/* SPDX-License-Identifier: MIT */
/*
 * The screen as the boot loader left it.
 */
#pragma once

#include "kernel/base/types.h"

struct screen_mode {
	hpa_t base; /* 0: nothing said, which on a BIOS machine means VGA text */
	u32 pitch, width, height;
	u8 bpp;
	bool text;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};
