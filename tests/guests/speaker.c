/* SPDX-License-Identifier: MIT */
/*
 * Says what a guest should not be able to do to the operator's terminal, and says it at every place
 * that takes text: COM1, COM2, the debug ports; ends with lines that have no end. `what=1`: says a
 * line about ten times a second instead, for ever, and sleeps.
 *
 *   make build/guests/speaker; as selectors.c says
 */
#include "lib/testguest.h"

const char guest_name[] = "speaker";

static u32 say_com2(u32 text)
{
	for (const char *s = (const char *)text; *s; s++) {
		while (!(inb(0x2fd) & 0x20))
			;
		outb(0x2f8, (u8)*s);
	}
	return 0;
}

static u32 say_402(u32 text)
{
	for (const char *s = (const char *)text; *s; s++)
		outb(0x402, (u8)*s);
	return 0;
}

static u32 say_e9(u32 text)
{
	for (const char *s = (const char *)text; *s; s++)
		outb(0xe9, (u8)*s);
	return 0;
}

static volatile u32 ticks;

static bool on_timer(struct guest_frame *f)
{
	(void)f;
	ticks++;
	outb(0x20, 0x20);
	return true;
}

static u32 wait_tick(u32 unused)
{
	(void)unused;
	__asm__ volatile("sti; hlt");
	return 0;
}

static void say_slowly(void)
{
	trap_hook[0x20] = on_timer;
	timer_start(100);
	for (;;) {
		call_ring0(wait_tick, 0);
		if (ticks % 10 == 0)
			print("tick %u of a neighbour that says little\r\n", ticks);
	}
}

void guest_main(void)
{
	if (cmdline_number("what", 0) == 1)
		say_slowly();
	print("one \x1b[31mred\x1b[2J\a\b\x7f\x9b"
	      "1m\x01 end\r\n");
	print("first half, ");
	call_ring0(say_com2, (u32) "second port\r\n");
	print("second half\r\n");
	call_ring0(say_402, (u32) "firmware \x1b]0;title\a says\n");
	call_ring0(say_e9, (u32) "Bochs says\n");
	call_ring0(say_com2, (u32) "an end that is missing");
	call_ring0(say_402, (u32) "a last word");
	guest_end();
}
