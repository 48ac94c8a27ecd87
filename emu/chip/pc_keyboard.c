/* SPDX-License-Identifier: MIT */
/*
 * The PS/2 keyboard's commands and scan codes.
 */
#include "emu/chip/pc_keyboard.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"

#define BREAK_PREFIX 0xf0

enum {
	SET_LEDS = 0xed,
	ECHO,
	SET_SCANCODES = 0xf0,
	IDENTIFY = 0xf2,
	SET_TYPEMATIC,
	ENABLE,
	DISABLE,
	SET_DEFAULTS,
	ALL_KEYS_FIRST,
	ALL_KEYS_LAST = 0xfa,
	KEY_TYPE_FIRST = 0xfb,
	KEY_TYPE_LAST = 0xfd,
	RESEND = 0xfe,
	RESET = 0xff,
};

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

static void set_defaults(struct pc_keyboard *k)
{
	k->set = 2;
	k->typematic = 0x2b; /* 10.9 per second after 500 ms */
	k->command = 0;
	k->release = false;
}

void pc_keyboard_reset(struct pc_keyboard *k)
{
	memset(k, 0, sizeof(*k));
	set_defaults(k);
	k->scanning = true;
}

static void identify(struct pc_keyboard *k)
{
	ps2_push(&k->out, PS2_ACK);
	ps2_push(&k->out, 0xab);
	ps2_push(&k->out, 0x83);
}

static void argument(struct pc_keyboard *k, u8 byte)
{
	u8 command = k->command;

	k->command = 0;
	switch (command) {
	case SET_LEDS:
		k->leds = byte & 7;
		break;
	case SET_TYPEMATIC:
		k->typematic = byte & 0x7f;
		break;
	case SET_SCANCODES:
		if (byte > 2) { /* set 3 is not offered */
			ps2_push(&k->out, PS2_RESEND);
			return;
		}
		ps2_push(&k->out, PS2_ACK);
		if (byte)
			k->set = byte;
		else
			ps2_push(&k->out, k->set);
		return;
	default: /* KEY_TYPE_*: the key that it is for; matters in set 3 only */
		break;
	}
	ps2_push(&k->out, PS2_ACK);
}

void pc_keyboard_command(struct pc_keyboard *k, u8 byte)
{
	/* A command byte in place of an argument cancels the command and is obeyed. */
	if (k->command && byte < SET_LEDS) {
		argument(k, byte);
		return;
	}
	k->command = 0;
	if (byte != RESEND)
		ps2_clear(&k->out); /* what waits is lost when the host speaks */
	switch (byte) {
	case SET_LEDS:
	case SET_SCANCODES:
	case SET_TYPEMATIC:
	case KEY_TYPE_FIRST ... KEY_TYPE_LAST:
		k->command = byte;
		break;
	case ECHO:
		ps2_push(&k->out, ECHO);
		return;
	case IDENTIFY:
		identify(k);
		return;
	case ENABLE:
		k->scanning = true;
		break;
	case DISABLE:
		set_defaults(k);
		k->scanning = false;
		break;
	case SET_DEFAULTS:
		set_defaults(k);
		break;
	case ALL_KEYS_FIRST ... ALL_KEYS_LAST:
		break;
	case RESEND:
		ps2_push(&k->out, k->out.last);
		return;
	case RESET:
		pc_keyboard_reset(k);
		ps2_push(&k->out, PS2_ACK);
		ps2_push(&k->out, PS2_SELF_TEST);
		return;
	default:
		ps2_push(&k->out, PS2_RESEND);
		return;
	}
	ps2_push(&k->out, PS2_ACK);
}

bool pc_keyboard_key(struct pc_keyboard *k, u8 scancode)
{
	if (!k->scanning)
		return true;
	if (ps2_room(&k->out) < 8) /* room for a command's answer is kept */
		return false;
	if (k->set == 2) {
		ps2_push(&k->out, scancode);
	} else if (scancode == BREAK_PREFIX) {
		k->release = true;
	} else {
		ps2_push(&k->out, (u8)(ps2_set2_to_set1(scancode) | (k->release ? 0x80 : 0)));
		k->release = false;
	}
	return true;
}

void pc_keyboard_state(struct pc_keyboard *k, struct snap *s)
{
	ps2_state(&k->out, s);
	snap_bool(s, k->scanning);
	snap_range(s, k->set, 1, 2);
	snap_u8(s, k->leds);
	snap_u8(s, k->typematic);
	snap_u8(s, k->command);
	snap_bool(s, k->release);
}
