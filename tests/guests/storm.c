/* SPDX-License-Identifier: MIT */
/*
 * Guests that never end, one per `what=`: each keeps its processor, or the monitor on its behalf,
 * as busy as can be. Run beside another busy VM, which must get its share
 * (tests/boot/test_share.py).
 *
 *   make build/guests/storm; qemu-system-x86_64 -kernel build/guests/storm -append what=3 ..., as
 * selectors.c says
 */
#include "lib/testguest.h"

#define HOLE 0x90000000u

const char guest_name[] = "storm";

static u8 *page;
static u32 resume;

static u32 prepare(u32 unused)
{
	(void)unused;
	page = page_alloc();
	map(HOLE + PAGE_SIZE, 0xb8000, PTE_P | PTE_W | PTE_U);
	return 0;
}

static void spin(void)
{
	__asm__ volatile("cli");
	for (;;)
		;
}

/* 4 G iterations, interrupts off. */
static void string(void)
{
	for (;;)
		__asm__ volatile("cli; rep lodsb" ::"S"(0x100000), "c"(0x600000) : "eax", "memory");
}

/* The same few bytes, so that the address never runs out of what is mapped. */
static void scan(void)
{
	for (;;)
		__asm__ volatile("std; cli; repe cmpsb; cld" ::"S"(0x7fffff), "D"(0x7fffff),
				 "c"(0x600000)
				 : "memory");
}

static void ports(void)
{
	for (;;)
		__asm__ volatile("inb $0x80, %%al; outb %%al, $0x80; inb $0x40, %%al" ::: "eax");
}

static bool again(struct guest_frame *f)
{
	(void)f;
	return true;
}

static void faults(void)
{
	trap_hook[6] = again;
	__asm__ volatile("ud2");
}

static void page_faults(void)
{
	trap_hook[14] = again;
	*(volatile u32 *)HOLE = 0;
}

/* The handler faults like what it handles, and starts anew at the top of its stack when that is
 * used up. */
static bool nested(struct guest_frame *f)
{
	u32 esp;

	__asm__ volatile("mov %%esp, %0" : "=r"(esp));
	if (esp < resume - 4000)
		__asm__ volatile("mov %0, %%esp" ::"r"(resume));
	__asm__ volatile("ud2");
	return f != NULL;
}

static void nest(void)
{
	__asm__ volatile("mov %%esp, %0" : "=r"(resume));
	trap_hook[6] = nested;
	__asm__ volatile("ud2");
}

static void cr3(void)
{
	for (;;)
		__asm__ volatile("mov %%cr3, %%eax; mov %%eax, %%cr3" ::: "eax", "memory");
}

static void serial(void)
{
	for (;;)
		print("  a line that nobody wants to read\r\n");
}

static bool on_timer(struct guest_frame *f)
{
	(void)f;
	outb(0x20, 0x20);
	return true;
}

static void timer(void)
{
	trap_hook[0x20] = on_timer;
	timer_start(1193182);
	for (;;)
		;
}

static void self_modifying(void)
{
	page[0] = 0xb0; /* mov al, n; ret */
	page[2] = 0xc3;
	for (;;) {
		page[1]++;
		((void (*)(void))page)();
	}
}

static void device_memory(void)
{
	for (;;)
		++*(volatile u32 *)(HOLE + PAGE_SIZE);
}

static void tables(void)
{
	for (;;) {
		map(HOLE, (u32)page, PTE_P | PTE_W);
		*(volatile u32 *)HOLE = 1;
		map(HOLE, 0, 0);
	}
}

static void idle(void)
{
	trap_hook[0x20] = on_timer;
	timer_start(100);
	for (;;)
		__asm__ volatile("sti; hlt");
}

/* Nothing can wake it, but the PIT's channel 0 goes on, as fast as it goes. */
static void halted(void)
{
	__asm__ volatile("cli");
	timer_start(596591);
	__asm__ volatile("hlt");
}

static bool on_clock(struct guest_frame *f)
{
	(void)f;
	outb(0x70, 0x0c);
	inb(0x71);
	outb(0xa0, 0x20);
	outb(0x20, 0x20);
	return true;
}

/* Woken by the PIT and by the real-time clock at 8,192 Hz. */
static void sleepless(void)
{
	trap_hook[0x20] = on_timer;
	trap_hook[0x28] = on_clock;
	timer_start(1193182);
	outb(0xa1, 0xfe);
	outb(0x21, 0xfa);
	outb(0x70, 0x0a);
	outb(0x71, 0x23);
	outb(0x70, 0x0b);
	outb(0x71, 0x42);
	on_clock(NULL);
	for (;;)
		__asm__ volatile("sti; hlt");
}

/* An alarm that no time of day matches, and whose clock is asked for it all the time. */
static void alarm_clock(void)
{
	static const u8 alarm[][2] = { { 1, 0xbf }, { 3, 0xc0 }, { 5, 0xc0 }, { 0x0b, 0x22 } };

	for (;;) {
		for (u32 i = 0; i < COUNT(alarm); i++) {
			outb(0x70, alarm[i][0]);
			outb(0x71, alarm[i][1]);
		}
	}
}

/* As soon as it runs it is loaded again, with its initrd if it has one. */
static void reset(void)
{
	outb(0xcf9, 6);
}

static void (*const what[])(void) = {
	spin,	string, scan,	ports,	   faults,	   page_faults,
	nest,	cr3,	serial, timer,	   self_modifying, device_memory,
	tables, idle,	halted, sleepless, alarm_clock,	   reset,
};

void guest_main(void)
{
	u32 n = cmdline_number("what", 0);

	call_ring0(prepare, 0);
	print("storm %u\r\n", n);
	what[n % COUNT(what)]();
	for (;;)
		;
}
