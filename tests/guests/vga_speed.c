/* SPDX-License-Identifier: MIT */
/*
 * How fast video memory is: text that scrolls, planes filled in each write mode, by bytes, words,
 * string instructions and read-modify-write, mode 13h and the frame buffer filled.
 *
 * Each line gives the TSC's cycles of the fastest of many short pieces of work, so that it is right
 * on a machine that does other work, too: tests/bench/video.py divides ours by bare QEMU's.
 *
 *   make build/guests/vga_speed; as selectors.c says
 */
#include "lib/testguest.h"

const char guest_name[] = "vga_speed";

#define PIECES 200u
#define PIECE  512u /* accesses of planar memory: 60,000 cycles on bare QEMU */

#define FRAME_BUFFER  0x40000000u
#define LINEAR_WIDTH  640u
#define LINEAR_HEIGHT 480u

static volatile u8 *const at_a0000 = (volatile u8 *)0xa0000;
static volatile u32 *const at_b8000 = (volatile u32 *)0xb8000;

static void indexed(u16 port, u8 index, u8 value)
{
	outb(port, index);
	outb(port + 1, value);
}

static void outw(u16 port, u16 v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "Nd"(port));
}

static u64 tsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (u64)high << 32 | low;
}

/* --- The work: one piece each */

static void scroll(void)
{
	for (u32 i = 0; i < 24 * 40; i++)
		at_b8000[i] = at_b8000[i + 40];
	for (u32 i = 24 * 40; i < 25 * 40; i++)
		at_b8000[i] = 0x07200720;
}

static void bytes(void)
{
	for (u32 i = 0; i < PIECE; i++)
		at_a0000[i] = (u8)i;
}

static void words(void)
{
	for (u32 i = 0; i < PIECE; i++)
		((volatile u16 *)at_a0000)[i] = (u16)i;
}

static void reads(void)
{
	for (u32 i = 0; i < PIECE; i++)
		at_a0000[i];
}

/* A dot: the latches are loaded, and the bits that the mask lets through change. */
static void dots(void)
{
	for (u32 i = 0; i < PIECE; i++)
		__asm__ volatile("orb %%al, %0" : "+m"(at_a0000[i]) : "a"(i));
}

static void rep_stosb(void)
{
	volatile u8 *to = at_a0000;
	u32 n = PIECE;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(0x5a) : "memory");
}

static void rep_movsb(void)
{
	volatile u8 *from = at_a0000, *to = at_a0000 + 0x4000;
	u32 n = PIECE;

	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n)::"memory");
}

static void stosb(void)
{
	volatile u8 *to = at_a0000;
	u32 n = PIECE;

	__asm__ volatile("1: stosb\n\tdec %1\n\tjnz 1b" : "+D"(to), "+r"(n) : "a"(0x5a) : "memory");
}

static void chained(void)
{
	for (u32 i = 0; i < 64000; i += 4)
		*(volatile u32 *)(at_a0000 + i) = i;
}

static void linear(void)
{
	for (u32 i = 0; i < LINEAR_WIDTH * LINEAR_HEIGHT / 16; i++)
		((volatile u32 *)FRAME_BUFFER)[i] = i;
}

/* --- The modes */

static void planar(u8 mode, u8 bit_mask)
{
	indexed(0x3c4, 4, 6);
	indexed(0x3c4, 2, 15);
	indexed(0x3ce, 6, 5);
	indexed(0x3ce, 5, mode);
	indexed(0x3ce, 8, bit_mask);
}

static void chain_4(void)
{
	indexed(0x3c4, 4, 0x0e);
	indexed(0x3ce, 5, 0x40);
	indexed(0x3ce, 8, 0xff);
}

static u32 map_linear(u32 size)
{
	u32 bar;

	__asm__ volatile("outl %0, %1" ::"a"(0x80001010u), "Nd"((u16)0xcf8));
	__asm__ volatile("inl %1, %0" : "=a"(bar) : "Nd"((u16)0xcfc));
	for (u32 at = 0; at < size; at += PAGE_SIZE)
		map(FRAME_BUFFER + at, (bar & ~15u) + at, PTE_P | PTE_W | (guest_ring ? PTE_U : 0));
	return 0;
}

static void dispi(u16 index, u16 value)
{
	outw(0x1ce, index);
	outw(0x1cf, value);
}

static u32 mode_planar(u32 mode)
{
	planar((u8)mode, 0xff);
	return 0;
}

static u32 mode_masked(u32 mask)
{
	planar(0, (u8)mask);
	return 0;
}

static u32 mode_chained(u32 arg)
{
	(void)arg;
	chain_4();
	return 0;
}

static u32 mode_linear(u32 arg)
{
	(void)arg;
	map_linear(LINEAR_WIDTH * LINEAR_HEIGHT * 4);
	dispi(1, LINEAR_WIDTH);
	dispi(2, LINEAR_HEIGHT);
	dispi(3, 32);
	dispi(4, 0x41);
	return 0;
}

/* --- */

static void measure(const char *name, void (*work)(void))
{
	u64 best = ~0ull;

	for (u32 n = 0; n < PIECES; n++) {
		u64 before = tsc();

		work();
		before = tsc() - before;
		best = before < best ? before : best;
	}
	print("  SPEED %s %u\n", name, (u32)best);
}

void guest_main(void)
{
	measure("text-scroll", scroll);
	call_ring0(mode_planar, 0);
	measure("planar-0", bytes);
	measure("planar-0-words", words);
	measure("planar-0-reads", reads);
	measure("planar-0-stosb", stosb);
	measure("planar-0-rep-stosb", rep_stosb);
	call_ring0(mode_masked, 0x0f);
	measure("planar-0-dots", dots);
	call_ring0(mode_planar, 1);
	measure("planar-1", bytes);
	measure("planar-1-rep-movsb", rep_movsb);
	call_ring0(mode_planar, 2);
	measure("planar-2", bytes);
	call_ring0(mode_planar, 3);
	measure("planar-3", bytes);
	call_ring0(mode_chained, 0);
	measure("mode-13h", chained);
	call_ring0(mode_linear, 0);
	measure("frame-buffer", linear);
	guest_end();
}
