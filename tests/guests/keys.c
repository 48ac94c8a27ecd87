/* SPDX-License-Identifier: MIT */
/*
 * Says each byte that keyboard and mouse send, the keyboard's translated to set 1, the mouse's with
 * its wheel: "key 1e", "mouse 08". Shows them on the screen, too: text on coloured ground, one line
 * for each key that went down. Ends with Esc.
 *
 *   make build/guests/keys; as selectors.c says
 */
#include "lib/testguest.h"

const char guest_name[] = "keys";

#define DATA	0x60
#define COMMAND 0x64
#define FULL	0x01
#define BUSY	0x02
#define MOUSE	0x20
#define ESC	0x01
#define COLUMNS 80u
#define ROWS	25u

static void to_controller(u8 port, u8 byte)
{
	while (inb(COMMAND) & BUSY)
		;
	outb(port, byte);
}

static u8 wait_byte(void)
{
	while (!(inb(COMMAND) & FULL))
		;
	return inb(DATA);
}

static u8 ask_mouse(u8 byte)
{
	to_controller(COMMAND, 0xd4);
	to_controller(DATA, byte);
	return wait_byte();
}

static u32 set_up(u32 unused)
{
	static const u8 knock[] = { 0xf6, 0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf3, 100, 0xf4 };

	to_controller(COMMAND, 0x60); /* translated, both on, no interrupts */
	to_controller(DATA, 0x44);
	while (inb(COMMAND) & FULL)
		inb(DATA);
	for (u32 i = 0; i < COUNT(knock); i++)
		if (ask_mouse(knock[i]) != 0xfa)
			return 0xff;
	ask_mouse(0xf2);
	return unused + wait_byte();
}

/* Status and byte. */
static u32 next_byte(u32 unused)
{
	u32 status;

	(void)unused;
	while (!((status = inb(COMMAND)) & FULL))
		;
	return status << 8 | inb(DATA);
}

static const char digit[] = "0123456789abcdef";

static void say(const char *what, u8 byte)
{
	print("%s %c%c\r\n", what, digit[byte >> 4], digit[byte & 15]);
}

static volatile u16 *const screen = (volatile u16 *)0xb8000;
static u32 row;

static void show(u32 column, u8 byte, u16 attribute)
{
	screen[row * COLUMNS + column] = attribute | (u8)digit[byte >> 4];
	screen[row * COLUMNS + column + 1] = attribute | (u8)digit[byte & 15];
	screen[row * COLUMNS + column + 3] = attribute | byte; /* every character of the font */
}

static void next_row(void)
{
	row = (row + 1) % ROWS;
	for (u32 x = 0; x < COLUMNS; x++)
		screen[row * COLUMNS + x] = 0x1720;
}

void guest_main(void)
{
	u8 byte = 0;

	for (u32 y = 0; y < ROWS; y++)
		next_row();
	say("mouse is", (u8)call_ring0(set_up, 0));
	while (byte != ESC) {
		u32 got = call_ring0(next_byte, 0);

		byte = (u8)got;
		if (got >> 8 & MOUSE) {
			say("mouse", byte);
			show(40, byte, 0x4e00);
			byte = 0;
			continue;
		}
		say("key", byte);
		if (byte < 0x80)
			next_row();
		show(4, byte, 0x1f00);
	}
	guest_end();
}
