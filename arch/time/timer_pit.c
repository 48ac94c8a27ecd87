/* SPDX-License-Identifier: MIT */
/*
 * The machine's own 8254. Intel 8254 data sheet; port 61h: bit 0 gate of channel 2, bit 1 speaker.
 */
#include "arch/time/timer_pit.h"

#include "arch/cpu/processor.h"

void timer_pit_start(u16 count)
{
	outb(0x43, 0x30); /* channel 0, both bytes, mode 0 */
	outb(0x40, (u8)count);
	outb(0x40, (u8)(count >> 8));
}

void timer_pit_reference_start(void)
{
	outb(0x61, (u8)((inb(0x61) & ~3) | 1));
	outb(0x43, 0xb0); /* channel 2, both bytes, mode 0 */
	outb(0x42, 0xff);
	outb(0x42, 0xff);
}

u16 timer_pit_elapsed(void)
{
	outb(0x43, 0x80); /* latch channel 2 */

	u16 low = inb(0x42);

	return (u16)(0xffff - (low | inb(0x42) << 8));
}
