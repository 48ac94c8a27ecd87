/* SPDX-License-Identifier: MIT */
/*
 * From bytes of a terminal to strokes.
 */
#include "vmm/term/term_keys.h"

#include "kernel/hw/pc_keys.h"
#include "kernel/lib/us_layout.h"

#define ESC 0x1b

/* xterm's parameter less one. */
#define WITH_SHIFT 1u
#define WITH_ALT   2u
#define WITH_CTRL  4u

static void press(struct term_keys *t, u8 key, u32 with)
{
	u8 keys[TERM_KEYS_MOST];
	unsigned n = 0;

	if (!key)
		return;
	if (with & WITH_CTRL)
		keys[n++] = KEY_CTRL;
	if (with & WITH_ALT)
		keys[n++] = KEY_ALT;
	if (with & WITH_SHIFT)
		keys[n++] = KEY_SHIFT;
	keys[n++] = key;
	t->stroke(t->ctx, keys, n);
}

static void character(struct term_keys *t, u8 byte, u32 with)
{
	bool shift = false, control = byte < ' ' && byte != '\t' && byte != '\r' && byte != '\n' &&
				      byte != '\b' && byte != ESC;
	/* 1 to 26 are letters, others what stands 64 higher. */
	char c = (char)(control ? byte | (byte >= 1 && byte <= 26 ? 0x60 : 0x40) : byte);
	u8 key = us_key_of_char(c, &shift);

	press(t, key, with | (control ? WITH_CTRL : 0) | (shift ? WITH_SHIFT : 0));
}

/* CSI n ~ */
static u8 numbered(u32 n)
{
	static const u8 keys[] = {
		[1] = KEY_HOME,	   [2] = KEY_INSERT,	[3] = KEY_DELETE,  [4] = KEY_END,
		[5] = KEY_PAGE_UP, [6] = KEY_PAGE_DOWN, [7] = KEY_HOME,	   [8] = KEY_END,
		[11] = KEY_F1,	   [12] = KEY_F1 + 1,	[13] = KEY_F1 + 2, [14] = KEY_F1 + 3,
		[15] = KEY_F1 + 4, [17] = KEY_F1 + 5,	[18] = KEY_F1 + 6, [19] = KEY_F1 + 7,
		[20] = KEY_F1 + 8, [21] = KEY_F10,	[23] = KEY_F11,	   [24] = KEY_F12,
	};

	return n < sizeof(keys) ? keys[n] : KEY_NONE;
}

/* CSI and SS3 end with the same letters. */
static u8 lettered(u8 final)
{
	switch (final) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return KEY_RIGHT;
	case 'D':
		return KEY_LEFT;
	case 'E':
		return 0x4c; /* 5 of the keypad */
	case 'F':
		return KEY_END;
	case 'H':
		return KEY_HOME;
	case 'P' ... 'S':
		return (u8)(KEY_F1 + final - 'P');
	default:
		return KEY_NONE;
	}
}

static void sequence(struct term_keys *t, u8 final)
{
	u32 with = t->parameter[1] ? (t->parameter[1] - 1) & 7 : 0;

	if (final == 'R' && t->parameters && t->parameter[0] > 1) {
		t->place(t->ctx, t->parameter[0], t->parameter[1]);
		return;
	}
	with |= t->alt ? WITH_ALT : 0;
	if (t->foreign)
		return;
	if (final == '~')
		press(t, numbered(t->parameter[0]), with);
	else if (final == 'Z')
		press(t, KEY_TAB, with | WITH_SHIFT);
	else
		press(t, lettered(final), with);
}

static void begin(struct term_keys *t, int state)
{
	t->state = state;
	t->foreign = false;
	t->parameter[0] = t->parameter[1] = t->parameters = 0;
}

static void end(struct term_keys *t)
{
	t->state = TERM_PLAIN;
	t->alt = false;
}

static void after_esc(struct term_keys *t, u8 byte)
{
	if (byte == '[') {
		begin(t, TERM_CSI);
	} else if (byte == 'O') {
		begin(t, TERM_SS3);
	} else if (byte == ESC && !t->alt) {
		t->alt = true;
	} else {
		character(t, byte, WITH_ALT);
		end(t);
	}
}

static void csi_byte(struct term_keys *t, u8 byte)
{
	u32 rest = 0, *number = t->parameters < 2 ? &t->parameter[t->parameters] : &rest;

	if (byte >= '0' && byte <= '9') {
		if (*number < 1000)
			*number = *number * 10 + byte - '0';
	} else if (byte == ';') {
		t->parameters++;
	} else if (byte == '[' && !t->parameters && !*number) {
		t->state = TERM_LINUX;
	} else if (byte >= '<' && byte <= '?') {
		t->foreign = true;
	} else if (byte >= 0x40) {
		sequence(t, byte);
		end(t);
	}
}

void term_keys_byte(struct term_keys *t, u8 byte)
{
	switch (t->state) {
	case TERM_PLAIN:
		if (byte == ESC)
			t->state = TERM_ESC;
		else if (byte < 0x80)
			character(t, byte, 0);
		return;
	case TERM_ESC:
		after_esc(t, byte);
		return;
	case TERM_CSI:
		csi_byte(t, byte);
		return;
	case TERM_SS3:
		if (byte == 'M')
			press(t, KEY_KP_ENTER, t->alt ? WITH_ALT : 0);
		else
			sequence(t, byte);
		end(t);
		return;
	case TERM_LINUX: /* ESC [ [ A to E: F1 to F5 */
		if (byte >= 'A' && byte <= 'E')
			press(t, (u8)(KEY_F1 + byte - 'A'), 0);
		end(t);
		return;
	}
}

void term_keys_idle(struct term_keys *t)
{
	if (t->state == TERM_ESC)
		press(t, KEY_ESC, t->alt ? WITH_ALT : 0);
	else if (t->state == TERM_CSI && !t->parameters && !t->parameter[0])
		character(t, '[', WITH_ALT);
	else if (t->state == TERM_SS3)
		character(t, 'O', WITH_ALT);
	end(t);
}
