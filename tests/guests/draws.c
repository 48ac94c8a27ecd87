/* SPDX-License-Identifier: MIT */
/*
 * A program that draws by planes and computes, in turns: rounds= times, draws= bytes of video
 * memory, then compute= thousand steps of a sum. The engine should change with what it does.
 *
 *   make build/guests/draws; as selectors.c says
 */
#include "lib/testguest.h"

const char guest_name[] = "draws";

#define WINDOW 0x8000u

static volatile u8 *const at_a0000 = (volatile u8 *)0xa0000;

static void indexed(u16 port, u8 index, u8 value)
{
	outb(port, index);
	outb(port + 1, value);
}

/* Write mode 0, all planes: four bits of each dot at an address. */
static u32 mode_planar(u32 arg)
{
	indexed(0x3c4, 4, 6);
	indexed(0x3c4, 2, 15);
	indexed(0x3ce, 6, 5);
	indexed(0x3ce, 5, 0);
	indexed(0x3ce, 8, 0xff);
	return arg;
}

/* By STOSB, which C executes for translated code: raw code could go on behind each. */
static void draw(u32 round, u32 bytes)
{
	for (u32 i = 0; i < bytes; i++) {
		volatile u8 *to = at_a0000 + i % WINDOW;

		__asm__ volatile("stosb" : "+D"(to) : "a"(i + round) : "memory");
	}
}

static u32 compute(u32 sum, u32 steps)
{
	for (u32 i = 0; i < steps; i++)
		sum = digest(sum, i);
	return sum;
}

void guest_main(void)
{
	u32 rounds = cmdline_number("rounds", 1), bytes = cmdline_number("draws", 1);
	u32 steps = cmdline_number("compute", 1) * 1000, sum = 0;

	call_ring0(mode_planar, 0);
	for (u32 n = 0; n < rounds; n++) {
		draw(n, bytes);
		sum = compute(sum, steps);
	}
	for (u32 i = 0; i < bytes && i < WINDOW; i++)
		sum = digest(sum, at_a0000[i]);
	print("SUM %x\n", sum);
	guest_end();
}
