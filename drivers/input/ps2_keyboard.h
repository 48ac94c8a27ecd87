/* SPDX-License-Identifier: MIT */
/*
 * The machine's keyboard, US layout, as terminal input (arrows and the like become escape
 * sequences).
 */
#pragma once

/* Nothing happens if there is no i8042. After irq_init(). */
void ps2_keyboard_init(void);
