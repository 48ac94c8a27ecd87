/* SPDX-License-Identifier: MIT */
/*
 * i8042 with scan codes translated to set 1 (bit 7: released, E0h: extended key).
 */
#include "drivers/input/ps2_keyboard.h"

#include "arch/cpu/processor.h"
#include "arch/trap/irq.h"
#include "drivers/input/ps2_port.h"
#include "kernel/console/console.h"
#include "kernel/console/display.h"
#include "kernel/hw/i8042_regs.h"
#include "kernel/hw/pc_keys.h"
#include "kernel/lib/us_layout.h"

static struct {
	bool shift, ctrl, caps, extended;
	u8 pause; /* codes of Pause that are still to come */
} key;

static void send(const char *s)
{
	while (*s)
		console_input((u8)*s++);
}

static void extended_key(u8 code)
{
	switch (code) {
	case 0x48:
		send("\x1b[A");
		return;
	case 0x50:
		send("\x1b[B");
		return;
	case 0x4d:
		send("\x1b[C");
		return;
	case 0x4b:
		send("\x1b[D");
		return;
	case 0x47:
		send("\x1b[H");
		return;
	case 0x4f:
		send("\x1b[F");
		return;
	case 0x53:
		send("\x1b[3~");
		return;
	case 0x1c:
		send("\r");
		return;
	case 0x35:
		send("/");
		return;
	default:
		return;
	}
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void plain_key(u8 code)
{
	bool shift = key.shift != (key.caps && is_letter(us_char_of_key(code, false)));
	char c = us_char_of_key(code, shift);

	if (!c)
		return;
	if (key.ctrl && c >= '@')
		c &= 0x1f;
	if (c == '\b')
		c = 0x7f; /* as terminals send it */
	if (c == '\n')
		c = '\r';
	console_input((u8)c);
}

/* As terminal input. */
static void type(u8 code, bool extended)
{
	if (extended)
		extended_key(code);
	else if (code == KEY_CAPS_LOCK)
		key.caps = !key.caps;
	else
		plain_key(code);
}

static void note_modifiers(u8 code, bool extended, bool pressed)
{
	if (code == KEY_CTRL)
		key.ctrl = pressed;
	if ((code == KEY_SHIFT || code == KEY_SHIFT_R) && !extended)
		key.shift = pressed;
}

static bool is_modifier(u8 code)
{
	return code == KEY_CTRL || code == KEY_SHIFT || code == KEY_SHIFT_R || code == KEY_ALT;
}

/* E1h 1Dh 45h, and the same as releases: Pause goes down, and comes up at once. */
static bool part_of_pause(u8 code)
{
	if (code == 0xe1) {
		key.pause = 2;
		return true;
	}
	if (!key.pause)
		return false;
	if (!--key.pause && code == KEY_NUM_LOCK && input_key(KEY_PAUSE, true))
		input_key(KEY_PAUSE, false);
	return true;
}

static void scan_code(u8 code)
{
	bool pressed = !(code & 0x80), extended = key.extended;

	if (part_of_pause(code))
		return;
	key.extended = code == 0xe0;
	if (code == 0xe0)
		return;
	code &= 0x7f;
	if (extended && (code == KEY_SHIFT || code == KEY_SHIFT_R))
		return;		 /* a grey key's, around its own code */
	if (code == KEY_SYSRQ) { /* Print, while Alt is held */
		code = KEY_PRINT & 0x7f;
		extended = true;
	}
	note_modifiers(code, extended, pressed);
	if (input_key((u8)(code | (extended ? KEY_E0 : 0)), pressed))
		return;
	if (pressed && !is_modifier(code))
		type(code, extended);
}

/* Keys of the mouse's port are read, too: both share it. */
static void poll(void)
{
	ps2_interrupt(NULL);
}

void ps2_keyboard_init(void)
{
	if (inb(I8042_COMMAND_PORT) == 0xff)
		return;
	for (int i = 0; i < 32 && inb(I8042_COMMAND_PORT) & I8042_OBF; i++)
		(void)inb(I8042_DATA_PORT);
	/* Interrupt on, clock on, translation on. */
	if (!ps2_change_config(BIT(0) | BIT(6), BIT(4)))
		return;
	ps2_reader.keyboard = scan_code;
	irq_register(1, ps2_interrupt, NULL);
	console_attach_keyboard(poll);
}
