/* SPDX-License-Identifier: MIT */
/*
 * Code that changes by itself what raw execution was entered with, and is interrupted by what the
 * monitor resumes without the guest's knowledge: page faults that only fill its own tables, and the
 * machine's timer. Stacks of 16 bits, where IRETQ would leave the monitor's RSP[31:16] in ESP; code
 * of 16 bits; TF.
 *
 * Expected: ESP, EIP and the steps as on a bare machine.
 */
#include "lib/testguest.h"

#define FRESH 0x40000000u /* pages that nobody has touched yet */
#define PAGES 64u
#define SS16  (SPARE | guest_ring)
#define CS16  ((SPARE + 8) | guest_ring)
#define SS32  (guest_ring ? UDS : KDS)

const char guest_name[] = "stack16";

static u32 prepare(u32 unused)
{
	u32 dpl = guest_ring << 13;

	for (u32 i = 0; i < PAGES; i++)
		map(FRESH + i * PAGE_SIZE, (u32)page_alloc(), PTE_P | PTE_W | PTE_U);
	gdt_set(SPARE, 0x0000ffff, 0x008f9300 | dpl);	  /* data, B = 0, 4 GiB */
	gdt_set(SPARE + 8, 0x0000ffff, 0x008f9b00 | dpl); /* code, D = 0, 4 GiB */
	return unused;
}

/* ESP's upper half over a load from a page, and over a loop that several timer interrupts hit. */
static u32 upper_half(u32 upper, u32 page, u32 rounds)
{
	u32 esp;

	__asm__ volatile("movl %%esp, %%ebx; movw %%bx, %%cx; movl %2, %%ss; movl %%ecx, %%esp\n\t"
			 "movb (%%edx), %%al\n\t"
			 "1: decl %%esi; jnz 1b\n\t"
			 "movl %%esp, %%ecx; movl %3, %%ss; movl %%ebx, %%esp"
			 : "=c"(esp), "+S"(rounds)
			 : "a"(SS16), "D"(SS32), "0"(upper), "d"(page)
			 : "ebx", "memory");
	return esp & 0xffff0000;
}

static void stacks(void)
{
	static const u32 upper[] = { 0x12340000, 0xffff0000, 0, 0x801e0000 };
	bool good = true;

	for (u32 i = 0; i < COUNT(upper); i++)
		good &= upper_half(upper[i], FRESH + i * PAGE_SIZE, 1) == upper[i];
	check(good, "ESP[31:16] stays over loads of fresh pages");
	good = true;
	for (u32 i = 0; i < COUNT(upper); i++)
		good &= upper_half(upper[i], FRESH, 1000000) == upper[i];
	check(good, "ESP[31:16] stays over the machine's timer");
}

/* The 16-bit loop lies below 64 KiB: far away from here, by a far call that comes back by a far
 * return. */
static const u8 code16[] = {
	0x67, 0x8a, 0x02, /* mov al, [edx] */
	0x66, 0x49,	  /* dec ecx */
	0x75, 0xfc,	  /* jnz dec */
	0x66, 0xcb,	  /* retf, 32 bits wide */
};

__attribute__((section(".dirty"))) static void codes(void)
{
	struct {
		u32 offset;
		u16 selector;
	} __attribute__((packed)) to = { 0x6000, (u16)CS16 };
	u32 count = 1000000;

	for (u32 i = 0; i < sizeof(code16); i++)
		((u8 *)0x6000)[i] = code16[i];
	__asm__ volatile("lcall *%1"
			 : "+c"(count)
			 : "m"(to), "d"(FRESH + 8 * PAGE_SIZE)
			 : "eax", "memory");
	check(count == 0, "16-bit code goes on where it was");
}

static u32 steps;

static bool on_step(struct guest_frame *f)
{
	(void)f;
	steps++;
	return true;
}

/* Each load is a fill between two steps. */
__attribute__((section(".dirty"))) static void traced(void)
{
	trap_hook[1] = on_step;
	for (u32 i = 0; i < 16; i++)
		__asm__ volatile(
			"pushfl; orl $0x100, (%%esp); popfl; movb (%0), %%al; movb 4096(%0), %%al; "
			"pushfl; andl $~0x100, (%%esp); popfl; nop" ::"r"(FRESH +
									  (16 + 2 * i) * PAGE_SIZE)
			: "eax", "memory");
	print("16 times POPF with TF over fresh pages: %u steps\r\n", steps);
}

void guest_main(void)
{
	call_ring0(prepare, 0);
	stacks();
	codes();
	traced();
}
