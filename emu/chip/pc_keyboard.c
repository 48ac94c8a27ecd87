/* SPDX-License-Identifier: MIT */
/*
 * The PS/2 keyboard's commands, and the repetition of a key that is held.
 */
#include "emu/chip/pc_keyboard.h"

#include "emu/snap/snap.h"
#include "kernel/base/string.h"
#include "kernel/hw/pc_keys.h"

#define LED_NUM_LOCK 2
#define ANSWER_MOST  4u		/* bytes: their room is kept from keys */
#define MS	     1000000ull /* in ns */

enum {
	SET_LEDS = 0xed,
	ECHO,
	SET_SCANCODES = 0xf0,
	IDENTIFY = 0xf2,
	SET_TYPEMATIC,
	ENABLE,
	DISABLE,
	SET_DEFAULTS,
	ALL_TYPEMATIC, /* in the order of enum key_kind */
	ALL_MAKE_BREAK,
	ALL_MAKE,
	ALL_TYPEMATIC_MAKE_BREAK,
	KEY_KIND_FIRST, /* in the same order */
	KEY_KIND_LAST = 0xfd,
	RESEND = 0xfe,
	RESET = 0xff,
};

static void stop_repeating(struct pc_keyboard *k)
{
	k->repeats = KEY_NONE;
	vtimer_cancel(k->timers, &k->timer);
}

/* Nothing waits and nothing repeats any more. */
static void clear(struct pc_keyboard *k)
{
	ps2_clear(&k->out);
	stop_repeating(k);
}

static void set_defaults(struct pc_keyboard *k)
{
	clear(k);
	k->set = 2;
	k->typematic = 0x2b; /* 10.9 per second after 500 ms */
	k->command = 0;
	for (unsigned code = 0; code < SET3_CODES; code++)
		k->kind[code] = (u8)scancodes_set3_kind((u8)code);
}

void pc_keyboard_reset(struct pc_keyboard *k)
{
	set_defaults(k);
	k->leds = 0;
	memset(k->down, 0, sizeof(k->down));
	k->scanning = true;
}

/* --- Commands */

static void identify(struct pc_keyboard *k)
{
	ps2_answer(&k->out, PS2_ACK);
	ps2_answer(&k->out, 0xab);
	ps2_answer(&k->out, 0x83);
}

static void choose_set(struct pc_keyboard *k, u8 set)
{
	if (set > 3) {
		ps2_answer(&k->out, PS2_RESEND);
		return;
	}
	if (set) {
		clear(k);
		k->set = set;
	}
	ps2_answer(&k->out, PS2_ACK);
	if (!set)
		ps2_answer(&k->out, k->set);
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
		choose_set(k, byte);
		return;
	default: /* KEY_KIND_*: keys by their codes in set 3, until another command comes */
		if (byte < SET3_CODES)
			k->kind[byte] = (u8)(command - KEY_KIND_FIRST);
		k->command = command;
		break;
	}
	ps2_answer(&k->out, PS2_ACK);
}

static void all_keys(struct pc_keyboard *k, u8 command)
{
	clear(k);
	memset(k->kind, command - ALL_TYPEMATIC, sizeof(k->kind));
}

void pc_keyboard_command(struct pc_keyboard *k, u8 byte)
{
	/* A command byte in place of an argument cancels the command and is obeyed. */
	if (k->command && byte < SET_LEDS) {
		argument(k, byte);
		return;
	}
	k->command = 0;
	switch (byte) {
	case KEY_KIND_FIRST ... KEY_KIND_LAST:
		clear(k);
		k->command = byte;
		break;
	case SET_LEDS:
	case SET_SCANCODES:
	case SET_TYPEMATIC:
		k->command = byte;
		break;
	case ECHO:
		ps2_answer(&k->out, ECHO);
		return;
	case IDENTIFY:
		identify(k);
		return;
	case ENABLE:
		clear(k);
		k->scanning = true;
		break;
	case DISABLE:
		set_defaults(k);
		k->scanning = false;
		break;
	case SET_DEFAULTS:
		set_defaults(k);
		break;
	case ALL_TYPEMATIC ... ALL_TYPEMATIC_MAKE_BREAK:
		all_keys(k, byte);
		break;
	case RESEND:
		ps2_answer(&k->out, k->out.last);
		return;
	case RESET:
		pc_keyboard_reset(k);
		ps2_answer(&k->out, PS2_ACK);
		ps2_answer(&k->out, PS2_SELF_TEST);
		return;
	default:
		ps2_answer(&k->out, PS2_RESEND);
		return;
	}
	ps2_answer(&k->out, PS2_ACK);
}

/* --- Keys */

static bool is_down(const struct pc_keyboard *k, u8 key)
{
	return k->down[key / 8] >> key % 8 & 1;
}

static unsigned modifiers(const struct pc_keyboard *k)
{
	unsigned state = k->leds & LED_NUM_LOCK ? SCANCODES_NUM_LOCK : 0;

	if (is_down(k, KEY_SHIFT))
		state |= SCANCODES_SHIFT;
	if (is_down(k, KEY_SHIFT_R))
		state |= SCANCODES_SHIFT_R;
	if (is_down(k, KEY_CTRL) || is_down(k, KEY_CTRL_R))
		state |= SCANCODES_CTRL;
	if (is_down(k, KEY_ALT) || is_down(k, KEY_ALT_R))
		state |= SCANCODES_ALT;
	return state;
}

static void send(struct pc_keyboard *k, u8 key, enum scancodes_event event)
{
	u8 bytes[SCANCODES_MOST];
	unsigned n = scancodes_of(key, event, k->set, modifiers(k), bytes);

	for (unsigned i = 0; i < n; i++)
		ps2_push(&k->out, bytes[i]);
}

static enum key_kind kind_of(const struct pc_keyboard *k, u8 key)
{
	if (k->set == 3)
		return (enum key_kind)k->kind[scancodes_set3(key)];
	return key == KEY_PAUSE ? KEY_MAKE : KEY_TYPEMATIC_BREAK;
}

static bool has_room(const struct pc_keyboard *k)
{
	return ps2_room(&k->out) >= SCANCODES_MOST + ANSWER_MOST;
}

/* Bits 5 and 6: 250 to 1000 ms until the first repetition. */
static u64 delay_ns(const struct pc_keyboard *k)
{
	return ((k->typematic >> 5 & 3u) + 1) * 250 * MS;
}

/* (8 + bits 0 to 2) times 2 to the power of bits 3 and 4, in 1/240 s. */
static u64 period_ns(const struct pc_keyboard *k)
{
	return ((8 + (k->typematic & 7ull)) << (k->typematic >> 3 & 3)) * 1000 * MS / 240;
}

/* What finds no room is not repeated: nobody reads. */
static void repeat(void *ctx, u64 now)
{
	struct pc_keyboard *k = ctx;

	if (!k->scanning)
		return;
	vtimer_arm(k->timers, &k->timer, now + period_ns(k));
	if (!has_room(k))
		return;
	send(k, k->repeats, SCANCODES_REPEAT);
	k->sent(k->ctx);
}

static void press(struct pc_keyboard *k, u8 key)
{
	enum key_kind kind = kind_of(k, key);

	send(k, key, SCANCODES_PRESS);
	stop_repeating(k);
	if (kind == KEY_TYPEMATIC || kind == KEY_TYPEMATIC_BREAK) {
		k->repeats = key;
		vtimer_arm(k->timers, &k->timer, vtimers_now(k->timers) + delay_ns(k));
	}
}

static void release(struct pc_keyboard *k, u8 key)
{
	enum key_kind kind = kind_of(k, key);

	if (kind == KEY_MAKE_BREAK || kind == KEY_TYPEMATIC_BREAK)
		send(k, key, SCANCODES_RELEASE);
	if (k->repeats == key)
		stop_repeating(k);
}

bool pc_keyboard_key(struct pc_keyboard *k, u8 key, bool pressed)
{
	if (is_down(k, key) == pressed)
		return true;
	if (k->scanning && !has_room(k))
		return false;
	k->down[key / 8] ^= (u8)BIT(key % 8);
	if (!k->scanning)
		return true;
	if (pressed)
		press(k, key);
	else
		release(k, key);
	return true;
}

/* --- The device */

void pc_keyboard_init(struct pc_keyboard *k, struct vtimers *timers, void (*sent)(void *ctx),
		      void *ctx)
{
	k->timers = timers;
	k->sent = sent;
	k->ctx = ctx;
	vtimer_init(&k->timer, repeat, k);
}

void pc_keyboard_state(struct pc_keyboard *k, struct snap *s)
{
	bool release_prefix = false; /* version 1: F0h came, and the key did not yet */

	ps2_state(&k->out, s);
	snap_bool(s, k->scanning);
	snap_range(s, k->set, 1, 3);
	snap_u8(s, k->leds);
	snap_u8(s, k->typematic);
	snap_u8(s, k->command);
	if (s->version < 2) {
		snap_bool(s, release_prefix);
		return;
	}
	snap_u8(s, k->repeats);
	snap_bytes(s, k->down, sizeof(k->down));
	snap_bytes(s, k->kind, sizeof(k->kind));
	for (unsigned code = 0; code < SET3_CODES; code++)
		snap_require(s, k->kind[code] < KEY_KINDS);
	vtimer_state(k->timers, &k->timer, s);
}
