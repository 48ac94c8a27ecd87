/* SPDX-License-Identifier: MIT */
/*
 * The machine's own 8254. Intel 8254 data sheet; port 61h: bit 0 gate of channel 2, bit 1 speaker.
 */
#include "arch/time/timer_pit.h"

#include "arch/cpu/processor.h"

void timer_pit_start(u16 count)
{
	outb(I8254_CONTROL, I8254_CHANNEL(0) | I8254_BOTH_BYTES | I8254_MODE(0));
	outb(I8254_PORT, (u8)count);
	outb(I8254_PORT, (u8)(count >> 8));
}

void timer_pit_reference_start(void)
{
	outb(PORT61, (u8)((inb(PORT61) & ~(PORT61_GATE2 | PORT61_SPEAKER)) | PORT61_GATE2));
	outb(I8254_CONTROL, I8254_CHANNEL(2) | I8254_BOTH_BYTES | I8254_MODE(0));
	outb(I8254_PORT + 2, 0xff);
	outb(I8254_PORT + 2, 0xff);
}

u16 timer_pit_elapsed(void)
{
	outb(I8254_CONTROL, I8254_CHANNEL(2)); /* latch */

	u16 low = inb(I8254_PORT + 2);

	return (u16)(0xffff - (low | inb(I8254_PORT + 2) << 8));
}
