/* SPDX-License-Identifier: MIT */
/*
 * The neighbour of an attack: for ever multiplies and sums up its own memory, counts in the x87 and
 * SSE registers, takes timer interrupts, and prints the sums. The sums follow from the number of
 * the round alone (tests/boot/guests.py computes them), so whoever reads them knows whether
 * anything of it was touched.
 *
 *   make build/guests/bystander; as selectors.c says
 */
#include "lib/testguest.h"

#define PAGES	 64u
#define PER_PAGE 64u
#define FACTOR	 1664525u
#define SUMMAND	 1013904223u

const char guest_name[] = "bystander";

static u32 *page[PAGES];
static volatile u32 ticks;

static bool on_timer(struct guest_frame *f)
{
	(void)f;
	ticks++;
	outb(0x20, 0x20);
	return true;
}

static u32 prepare(u32 hz)
{
	u32 cr4;

	for (u32 p = 0; p < PAGES; p++) {
		page[p] = page_alloc();
		for (u32 i = 0; i < PER_PAGE; i++)
			page[p][i * 16] = (p * PER_PAGE + i) * 2654435761u;
	}
	trap_hook[0x20] = on_timer;
	timer_start(hz);
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4; fninit; fldz" ::"r"(cr4 | 0x200));
	__asm__ volatile("pxor %xmm5, %xmm5; pxor %xmm6, %xmm6");
	return 0;
}

static u32 one_round(void)
{
	u32 sum = 0;

	for (u32 p = 0; p < PAGES; p++) {
		for (u32 i = 0; i < PER_PAGE; i++) {
			u32 *w = &page[p][i * 16];

			*w = *w * FACTOR + SUMMAND;
			sum = (sum << 1 | sum >> 31) ^ *w;
		}
	}
	return sum;
}

void guest_main(void)
{
	u32 every = cmdline_number("every", 2000), x87, sse;

	call_ring0(prepare, 100);
	for (u32 round = 1;; round++) {
		u32 sum = one_round();

		__asm__ volatile("fld1; faddp; movd %0, %%xmm6; paddd %%xmm6, %%xmm5" ::"r"(round));
		if (round % every)
			continue;
		__asm__ volatile("fistl %0; movd %%xmm5, %1" : "=m"(x87), "=r"(sse));
		print("SUM %u %x %u %x ticks %u\r\n", round, sum, x87, sse, ticks);
	}
}
