/* SPDX-License-Identifier: MIT */
/*
 * i8042 with scan codes translated to set 1 (bit 7: released, E0h: extended key).
 */
#include "drivers/input/ps2_keyboard.h"

#include "arch/cpu/processor.h"
#include "arch/trap/irq.h"
#include "kernel/console/console.h"
#include "kernel/hw/i8042_regs.h"
#include "kernel/hw/pc_keys.h"
#include "kernel/lib/us_layout.h"

#define SPINS 10000

static struct {
	bool shift, ctrl, caps, extended;
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

static void scan_code(u8 code)
{
	bool pressed = !(code & 0x80), extended = key.extended;

	key.extended = code == 0xe0;
	if (code == 0xe0 || code == 0xe1)
		return;
	code &= 0x7f;
	if (code == KEY_CTRL)
		key.ctrl = pressed;
	else if ((code == KEY_SHIFT || code == KEY_SHIFT_R) && !extended)
		key.shift = pressed;
	else if (!pressed)
		return;
	else if (extended)
		extended_key(code);
	else if (code == KEY_CAPS_LOCK)
		key.caps = !key.caps;
	else if (code != KEY_ALT)
		plain_key(code);
}

static void keyboard_interrupt(void *ctx)
{
	u8 status;

	(void)ctx;
	while ((status = inb(I8042_COMMAND_PORT)) & I8042_OBF && status != 0xff) {
		u8 byte = inb(I8042_DATA_PORT);

		if (!(status & I8042_AUX))
			scan_code(byte);
	}
}

static bool write_port(u16 port, u8 v)
{
	for (int i = 0; i < SPINS; i++) {
		if (!(inb(I8042_COMMAND_PORT) & I8042_IBF)) {
			outb(port, v);
			return true;
		}
	}
	return false;
}

static int read_data(void)
{
	for (int i = 0; i < SPINS; i++)
		if (inb(I8042_COMMAND_PORT) & I8042_OBF)
			return inb(I8042_DATA_PORT);
	return -1;
}

void ps2_keyboard_init(void)
{
	int config;

	if (inb(I8042_COMMAND_PORT) == 0xff)
		return;
	for (int i = 0; i < 32 && inb(I8042_COMMAND_PORT) & I8042_OBF; i++)
		(void)inb(I8042_DATA_PORT);
	if (!write_port(I8042_COMMAND_PORT, 0x20))
		return;
	config = read_data();
	if (config < 0)
		return;
	/* Interrupt on, clock on, translation on. */
	u8 wanted = (u8)(((unsigned)config | BIT(0) | BIT(6)) & ~BIT(4));

	if (write_port(I8042_COMMAND_PORT, 0x60) && write_port(I8042_DATA_PORT, wanted))
		irq_register(1, keyboard_interrupt, NULL);
}
