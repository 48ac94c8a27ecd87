/* SPDX-License-Identifier: MIT */
/*
 * The machine's PS/2 mouse, with its wheel if it has one, for who listens to it
 * (kernel/console/display.h).
 */
#pragma once

/* Nothing happens if there is none. After ps2_keyboard_init(). */
void ps2_mouse_init(void);
