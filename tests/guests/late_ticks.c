/* SPDX-License-Identifier: MIT */
/*
 * Counts the ticks of the 8254 while it works with interrupts off half of the time, and compares
 * them with the time by the PM timer. It works for `hold` thousand steps with interrupts off, then
 * for as many with interrupts on. Prints a line for each `every` ticks' time:
 *
 *     LATE 93 of 100 ticks; held for 11700 us at most
 *
 * tests/boot/test_share.py runs it alone and beside busy machines.
 */
#include "lib/testguest.h"

#define PM_TIMER    0x608u
#define PM_TIMER_HZ 3579545u

const char guest_name[] = "late_ticks";

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
	trap_hook[0x20] = on_timer;
	timer_start(hz);
	return 0;
}

static u32 pm_timer(void)
{
	u32 v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "d"((u16)PM_TIMER));
	return v;
}

static u32 since(u32 before)
{
	return (pm_timer() - before) & 0xffffff;
}

static void work(u32 steps)
{
	while (steps--)
		__asm__ volatile("");
}

void guest_main(void)
{
	u32 hold = cmdline_number("hold", 100) * 1000, hz = cmdline_number("hz", 100);
	u32 every = cmdline_number("every", 100), span = PM_TIMER_HZ / hz, longest = 0;

	call_ring0(prepare, hz);
	for (u32 began = pm_timer(), passed = 0, due = 0;;) {
		u32 held = pm_timer(), now;

		__asm__ volatile("cli" ::: "memory");
		work(hold);
		held = since(held);
		__asm__ volatile("sti" ::: "memory");
		work(hold);
		longest = held > longest ? held : longest;
		now = since(began);
		began += now;
		passed += now;
		due += passed / span;
		passed %= span;
		if (due < every)
			continue;
		print("LATE %u of %u ticks; held for %u us at most\r\n", ticks, due,
		      longest / 4 + longest / 34);
		due = ticks = longest = 0;
	}
}
