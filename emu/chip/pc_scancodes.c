/* SPDX-License-Identifier: MIT */
/*
 * Scan codes, by the tables of the IBM PS/2 Hardware Interface Technical Reference, Keyboards
 * (101- and 102-key). In sets 1 and 2 the grey keys pretend that Shift is as a keypad without Num
 * Lock needs it: they lift held Shift keys, or press one under Num Lock, around their own code.
 */
#include "emu/chip/pc_scancodes.h"

#include "kernel/hw/pc_keys.h"

#define BREAK_PREFIX 0xf0
#define BREAK_BIT    0x80
#define E0_PREFIX    0xe0
#define E1_PREFIX    0xe1

/* Indexed by set 2 code. */
static const u8 set1[0x85] = {
	0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29,
	0x59, 0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11,
	0x03, 0x5b, 0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14,
	0x13, 0x06, 0x5d, 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24,
	0x16, 0x08, 0x09, 0x5f, 0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35,
	0x26, 0x27, 0x19, 0x0c, 0x61, 0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36,
	0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, 0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c,
	0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, 0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45,
	0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, 0x80, 0x81, 0x82, 0x41, 0x54,
};

u8 ps2_set2_to_set1(u8 code)
{
	return code < sizeof(set1) ? set1[code] : code;
}

/* F7 and SysRq are at 83h and 84h, though the table has them lower down, too. */
static u8 set2_of(u8 code1)
{
	for (unsigned i = sizeof(set1); i-- > 1;)
		if (set1[i] == code1)
			return (u8)i;
	return 0;
}

/* Indexed by set 1 code: the keys without a prefix. */
static const u8 set3_plain[0x59] = {
	0x00, 0x08, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66,
	0x0d, 0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x11,
	0x1c, 0x1b, 0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5c, 0x1a,
	0x22, 0x21, 0x2a, 0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7e, 0x19, 0x29, 0x14, 0x07,
	0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x76, 0x5f, 0x6c, 0x75, 0x7d, 0x84,
	0x6b, 0x73, 0x74, 0x7c, 0x69, 0x72, 0x7a, 0x70, 0x71, 0x57, 0x00, 0x13, 0x56, 0x5e,
};

u8 scancodes_set3(u8 key)
{
	static const struct {
		u8 key, code;
	} prefixed[] = {
		{ KEY_KP_ENTER, 0x79 }, { KEY_CTRL_R, 0x58 },	 { KEY_KP_DIVIDE, 0x77 },
		{ KEY_PRINT, 0x57 },	{ KEY_ALT_R, 0x39 },	 { KEY_PAUSE, 0x62 },
		{ KEY_HOME, 0x6e },	{ KEY_UP, 0x63 },	 { KEY_PAGE_UP, 0x6f },
		{ KEY_LEFT, 0x61 },	{ KEY_RIGHT, 0x6a },	 { KEY_END, 0x65 },
		{ KEY_DOWN, 0x60 },	{ KEY_PAGE_DOWN, 0x6d }, { KEY_INSERT, 0x67 },
		{ KEY_DELETE, 0x64 },	{ KEY_META, 0x8b },	 { KEY_META_R, 0x8c },
		{ KEY_MENU, 0x8d },
	};

	if (!(key & KEY_E0))
		return key < sizeof(set3_plain) ? set3_plain[key] : 0;
	for (unsigned i = 0; i < ARRAY_SIZE(prefixed); i++)
		if (prefixed[i].key == key)
			return prefixed[i].code;
	return 0;
}

enum key_kind scancodes_set3_kind(u8 code)
{
	static const u8 make_break[] = { 0x11, 0x12, 0x14, 0x19, 0x59 };
	/* What prints, Space, Tab, Enter, Backspace; the arrows, Delete, + of the keypad. */
	static const u8 typematic[SET3_CODES / 8] = { 0x00, 0x60, 0x68, 0x7c, 0x7e, 0x7e,
						      0x7e, 0x7c, 0x7e, 0x7e, 0x3c, 0x1c,
						      0x5b, 0x04, 0x00, 0x10, 0x00, 0x00 };

	for (unsigned i = 0; i < ARRAY_SIZE(make_break); i++)
		if (make_break[i] == code)
			return KEY_MAKE_BREAK;
	return code < SET3_CODES && typematic[code / 8] & BIT(code % 8) ? KEY_TYPEMATIC : KEY_MAKE;
}

/* --- Sets 1 and 2 */

struct codes {
	u8 *at;
	unsigned set;
};

static void put(struct codes *c, bool e0, u8 code1, bool pressed)
{
	if (e0)
		*c->at++ = E0_PREFIX;
	if (c->set == 1) {
		*c->at++ = (u8)(code1 | (pressed ? 0 : BREAK_BIT));
		return;
	}
	if (!pressed)
		*c->at++ = BREAK_PREFIX;
	*c->at++ = set2_of(code1);
}

/* It makes and breaks at once, and does not repeat. */
static void put_pause(struct codes *c, bool ctrl)
{
	if (ctrl) {
		put(c, true, KEY_SCROLL_LOCK, true);
		put(c, true, KEY_SCROLL_LOCK, false);
		return;
	}
	for (unsigned pressed = 2; pressed-- > 0;) {
		*c->at++ = E1_PREFIX;
		put(c, false, KEY_CTRL, pressed);
		put(c, false, KEY_NUM_LOCK, pressed);
	}
}

/* What a grey key does to the Shift keys before its code, and undoes behind it. */
static void put_shifts(struct codes *c, u8 key, unsigned state, bool before)
{
	bool held = state & (SCANCODES_SHIFT | SCANCODES_SHIFT_R);
	bool num = state & SCANCODES_NUM_LOCK;

	if (key == KEY_PRINT) {
		if (!held && !(state & SCANCODES_CTRL))
			put(c, true, KEY_SHIFT, before);
		return;
	}
	if (num && key != KEY_KP_DIVIDE) {
		if (!held)
			put(c, true, KEY_SHIFT, before);
		return;
	}
	if (state & SCANCODES_SHIFT)
		put(c, true, KEY_SHIFT, !before);
	if (state & SCANCODES_SHIFT_R)
		put(c, true, KEY_SHIFT_R, !before);
}

static bool is_grey(u8 key)
{
	return (key >= KEY_HOME && key <= KEY_DELETE) || key == KEY_KP_DIVIDE || key == KEY_PRINT;
}

static void put_key(struct codes *c, u8 key, enum scancodes_event event, unsigned state)
{
	bool e0 = key & KEY_E0;
	u8 code = key & (u8)~KEY_E0;

	if (key == KEY_PAUSE) {
		if (event == SCANCODES_PRESS)
			put_pause(c, state & SCANCODES_CTRL);
		return;
	}
	if (key == KEY_PRINT && state & SCANCODES_ALT) {
		put(c, false, KEY_SYSRQ, event != SCANCODES_RELEASE);
		return;
	}
	if (!set2_of(code))
		return;
	if (is_grey(key) && event == SCANCODES_PRESS)
		put_shifts(c, key, state, true);
	put(c, e0, code, event != SCANCODES_RELEASE);
	if (is_grey(key) && event == SCANCODES_RELEASE)
		put_shifts(c, key, state, false);
}

unsigned scancodes_of(u8 key, enum scancodes_event event, unsigned set, unsigned state, u8 *out)
{
	struct codes c = { .at = out, .set = set };

	if (!key || !(key & ~KEY_E0))
		return 0;
	if (set < 3) {
		put_key(&c, key, event, state);
	} else if (scancodes_set3(key)) {
		if (event == SCANCODES_RELEASE)
			*c.at++ = BREAK_PREFIX;
		*c.at++ = scancodes_set3(key);
	}
	return (unsigned)(c.at - out);
}
