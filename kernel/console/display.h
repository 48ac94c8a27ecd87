/* SPDX-License-Identifier: MIT */
/*
 * The machine's own screen, keyboard and mouse, where drivers offer them and somebody else than the
 * console may take them: a guest's screen is shown, and keys go to it.
 */
#pragma once

#include "kernel/base/types.h"

/* What a screen's driver offers. A screen of text only has no width. */
struct display_ops {
	u32 width, height; /* dots */
	u32 columns, rows; /* of text; cells as drivers/lib/terminal.h has them */
	/* Dots from the left of a line, 00RRGGBBh. */
	void (*line)(u32 x, u32 y, const u32 *rgb, u32 n);
	void (*cell)(u32 column, u32 row, u16 cell);
	void (*cursor)(u32 column, u32 row);
	/* Somebody draws on a black screen now; or the console's text is shown again. */
	void (*take)(bool taken);
	bool (*is_taken)(void); /* until a panic or a dump takes the screen back */
};

void display_attach(const struct display_ops *ops);
const struct display_ops *display_get(void); /* NULL: there is no screen */

/* What hears of keys (kernel/hw/pc_keys.h) and movements, from their interrupts. A key that it does
 * not want is typed into the console. dy grows upwards; buttons as in PS/2 packets. */
struct input_listener {
	bool (*key)(u8 key, bool pressed);
	void (*mouse)(s32 dx, s32 dy, s32 dz, u8 buttons);
};

void input_listen(const struct input_listener *l);
/* From a driver's interrupt. */
bool input_key(u8 key, bool pressed);
void input_mouse(s32 dx, s32 dy, s32 dz, u8 buttons);
