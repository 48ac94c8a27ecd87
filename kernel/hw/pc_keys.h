/* SPDX-License-Identifier: MIT */
/*
 * The keys of a PC's keyboard. A key's number is its scan code of set 1, with bit 7 for those that
 * send E0h before it. So it says which key it is, not what is printed on it.
 */
#pragma once

#define KEY_E0 0x80u

enum pc_key {
	KEY_NONE = 0,
	KEY_ESC = 0x01,
	KEY_1 = 0x02, /* to KEY_9 0Ah */
	KEY_0 = 0x0b,
	KEY_BACKSPACE = 0x0e,
	KEY_TAB = 0x0f,
	KEY_ENTER = 0x1c,
	KEY_CTRL = 0x1d,
	KEY_A = 0x1e, /* the letters lie as on the keyboard */
	KEY_SHIFT = 0x2a,
	KEY_SHIFT_R = 0x36,
	KEY_KP_MULTIPLY = 0x37,
	KEY_ALT = 0x38,
	KEY_SPACE = 0x39,
	KEY_CAPS_LOCK = 0x3a,
	KEY_F1 = 0x3b, /* to KEY_F10 */
	KEY_F10 = 0x44,
	KEY_NUM_LOCK = 0x45,
	KEY_SCROLL_LOCK = 0x46,
	KEY_KP_7 = 0x47,
	KEY_KP_SUBTRACT = 0x4a,
	KEY_KP_ADD = 0x4e,
	KEY_KP_DECIMAL = 0x53,
	KEY_SYSRQ = 0x54, /* what KEY_PRINT sends while Alt is held */
	KEY_LESS = 0x56,
	KEY_F11 = 0x57,
	KEY_F12 = 0x58,

	KEY_KP_ENTER = KEY_E0 | 0x1c,
	KEY_CTRL_R = KEY_E0 | 0x1d,
	KEY_KP_DIVIDE = KEY_E0 | 0x35,
	KEY_PRINT = KEY_E0 | 0x37,
	KEY_ALT_R = KEY_E0 | 0x38,
	KEY_PAUSE = KEY_E0 | 0x46, /* alone it sends E1h and two codes */
	KEY_HOME = KEY_E0 | 0x47,
	KEY_UP,
	KEY_PAGE_UP,
	KEY_LEFT = KEY_E0 | 0x4b,
	KEY_RIGHT = KEY_E0 | 0x4d,
	KEY_END = KEY_E0 | 0x4f,
	KEY_DOWN,
	KEY_PAGE_DOWN,
	KEY_INSERT,
	KEY_DELETE,
	KEY_META = KEY_E0 | 0x5b,
	KEY_META_R,
	KEY_MENU,
};
