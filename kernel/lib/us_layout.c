/* SPDX-License-Identifier: MIT */
/*
 * Two tables: characters by key, and names.
 */
#include "kernel/lib/us_layout.h"

#include "kernel/base/string.h"
#include "kernel/hw/pc_keys.h"

/* Indexed by key. */
static const char plain[] = "\0\x1b"
			    "1234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] = "\0\x1b"
			      "!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

#define PRINTS (sizeof(plain) - 1)

_Static_assert(sizeof(plain) == sizeof(shifted), "one character of each for a key");
_Static_assert(PRINTS == KEY_SPACE + 1, "they end with Space");

char us_char_of_key(u8 key, bool shift)
{
	return key >= PRINTS ? '\0' : shift ? shifted[key] : plain[key];
}

u8 us_key_of_char(char c, bool *shift)
{
	if (c == '\r')
		c = '\n';
	if (c == 0x7f)
		c = '\b';
	for (unsigned key = 1; c && key < PRINTS; key++) {
		*shift = plain[key] != c;
		if (!*shift || shifted[key] == c)
			return (u8)key;
	}
	return KEY_NONE;
}

/* --- Names. Letters and digits name themselves. */

static const struct {
	const char *name;
	u8 key;
} names[] = {
	{ "alt", KEY_ALT },
	{ "alt_r", KEY_ALT_R },
	{ "apostrophe", 0x28 },
	{ "asterisk", KEY_KP_MULTIPLY },
	{ "backslash", 0x2b },
	{ "backspace", KEY_BACKSPACE },
	{ "bracket_left", 0x1a },
	{ "bracket_right", 0x1b },
	{ "caps_lock", KEY_CAPS_LOCK },
	{ "comma", 0x33 },
	{ "compose", KEY_MENU },
	{ "ctrl", KEY_CTRL },
	{ "ctrl_r", KEY_CTRL_R },
	{ "del", KEY_DELETE },
	{ "delete", KEY_DELETE },
	{ "dot", 0x34 },
	{ "down", KEY_DOWN },
	{ "end", KEY_END },
	{ "enter", KEY_ENTER },
	{ "equal", 0x0d },
	{ "esc", KEY_ESC },
	{ "f1", KEY_F1 },
	{ "f2", KEY_F1 + 1 },
	{ "f3", KEY_F1 + 2 },
	{ "f4", KEY_F1 + 3 },
	{ "f5", KEY_F1 + 4 },
	{ "f6", KEY_F1 + 5 },
	{ "f7", KEY_F1 + 6 },
	{ "f8", KEY_F1 + 7 },
	{ "f9", KEY_F1 + 8 },
	{ "f10", KEY_F10 },
	{ "f11", KEY_F11 },
	{ "f12", KEY_F12 },
	{ "grave_accent", 0x29 },
	{ "home", KEY_HOME },
	{ "insert", KEY_INSERT },
	{ "kp_0", 0x52 },
	{ "kp_1", 0x4f },
	{ "kp_2", 0x50 },
	{ "kp_3", 0x51 },
	{ "kp_4", 0x4b },
	{ "kp_5", 0x4c },
	{ "kp_6", 0x4d },
	{ "kp_7", KEY_KP_7 },
	{ "kp_8", 0x48 },
	{ "kp_9", 0x49 },
	{ "kp_add", KEY_KP_ADD },
	{ "kp_decimal", KEY_KP_DECIMAL },
	{ "kp_divide", KEY_KP_DIVIDE },
	{ "kp_enter", KEY_KP_ENTER },
	{ "kp_multiply", KEY_KP_MULTIPLY },
	{ "kp_subtract", KEY_KP_SUBTRACT },
	{ "left", KEY_LEFT },
	{ "less", KEY_LESS },
	{ "menu", KEY_MENU },
	{ "meta_l", KEY_META },
	{ "meta_r", KEY_META_R },
	{ "minus", 0x0c },
	{ "num_lock", KEY_NUM_LOCK },
	{ "pause", KEY_PAUSE },
	{ "pgdn", KEY_PAGE_DOWN },
	{ "pgup", KEY_PAGE_UP },
	{ "print", KEY_PRINT },
	{ "ret", KEY_ENTER },
	{ "right", KEY_RIGHT },
	{ "scroll_lock", KEY_SCROLL_LOCK },
	{ "semicolon", 0x27 },
	{ "shift", KEY_SHIFT },
	{ "shift_r", KEY_SHIFT_R },
	{ "slash", 0x35 },
	{ "spc", KEY_SPACE },
	{ "sysrq", KEY_SYSRQ },
	{ "tab", KEY_TAB },
	{ "up", KEY_UP },
};

static u8 by_number(const char *name, size_t n)
{
	char text[8];
	u64 number;

	if (n < 3 || n >= sizeof(text) || strncmp(name, "0x", 2))
		return KEY_NONE;
	memcpy(text, name, n);
	text[n] = '\0';
	return str_to_u64(text, &number) || number > 0xff ? KEY_NONE : (u8)number;
}

u8 key_by_name(const char *name, size_t n)
{
	bool shift;
	char c = *name;

	if (n == 1 && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
		return us_key_of_char(c, &shift);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(names[i].name, name, n) && !names[i].name[n])
			return names[i].key;
	return by_number(name, n);
}

unsigned keys_parse(const char *text, u8 *keys, unsigned most)
{
	for (unsigned n = 0; n < most;) {
		const char *end = strchr(text, '-');

		keys[n] = key_by_name(text, end ? (size_t)(end - text) : strlen(text));
		if (!keys[n++])
			return 0;
		keys[n] = KEY_NONE;
		if (!end)
			return n;
		text = end + 1;
	}
	return 0;
}

const char *key_name(unsigned i)
{
	return i < ARRAY_SIZE(names) ? names[i].name : NULL;
}
