/* SPDX-License-Identifier: MIT */
/*
 * What has to be done for a guest in one piece must not grow with what the guest has made. Each
 * `what=` makes much of something, and then asks for all of it at once.
 *
 *   0  one page mapped 400,000 times: filled, made a page table, written, unmapped, thrown away
 *   1  long REP instructions, interrupts off, on a page where code and data are so mixed that
 *      translated blocks check their own bytes
 *   2  a GDT and an LDT of 64 KiB each, all written anew before each HLT, whose interrupt comes in
 *      by a trap gate: raw code may go on at once
 *
 * Expected: the same lines as on bare QEMU; the monitor is never long with interrupts off
 * (tests/boot/test_bounded.py).
 */
#include "lib/testguest.h"

#define WINDOW	    0x20000000u
#define TABLES	    390u /* 399,360 leaves: what the quota of a machine with 64 MiB holds */
#define INVLPG_EACH 64u
#define LONG	    0x40000000u
#define MIXES	    600u
#define ITERATIONS  5000000u

const char guest_name[] = "bounds";

static u32 frame, table[TABLES];

/* --- 0: one page in many places --- */

static u32 load_cr3(u32 cr3)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(cr3) : "memory");
	return 0;
}

static u32 link_tables(u32 rights)
{
	for (u32 n = 0; n < TABLES; n++)
		page_directory[(WINDOW >> 22) + n] = rights ? table[n] | rights : 0;
	return load_cr3((u32)page_directory);
}

static u32 make_tables(u32 unused)
{
	frame = (u32)page_alloc();
	for (u32 n = 0; n < TABLES; n++) {
		u32 *t = page_alloc();

		table[n] = (u32)t;
		for (u32 i = 0; i < 1024; i++)
			t[i] = frame | PTE_P | PTE_W | PTE_U;
	}
	link_tables(PTE_P | PTE_W | PTE_U);
	return unused;
}

static u32 sum_of_window(void)
{
	u32 sum = 0;

	for (u32 i = 0; i < TABLES * 1024; i++)
		sum += *(volatile u8 *)(WINDOW + i * PAGE_SIZE);
	return sum;
}

/* It is a page table from now on, and everybody who maps it may only read. */
static u32 make_it_a_table(u32 gla)
{
	page_directory[gla >> 22] = frame | PTE_P | PTE_W | PTE_U;
	load_cr3((u32)page_directory);
	return *(volatile u8 *)gla;
}

static u32 unmap_each(u32 unused)
{
	for (u32 i = 0; i < TABLES * 1024; i++) {
		((volatile u32 *)table[i / 1024])[i % 1024] = 0;
		if (i % INVLPG_EACH == 0)
			__asm__ volatile("invlpg (%0)" ::"r"(WINDOW + i * PAGE_SIZE) : "memory");
	}
	return load_cr3((u32)page_directory) + unused;
}

static void one_page(void)
{
	u32 above = WINDOW + (TABLES << 22);

	call_ring0(make_tables, 0);
	*(volatile u8 *)frame = 1;
	check(sum_of_window() == TABLES * 1024, "a page read in 399360 places");
	for (u32 i = 0; i < 1024; i++)
		((volatile u32 *)WINDOW)[i] = frame | PTE_P | PTE_W | PTE_U;
	check(call_ring0(make_it_a_table, above) == (frame & 0xff) + (PTE_P | PTE_W | PTE_U) + 0x20,
	      "it is a page table, which shows itself accessed");
	((volatile u32 *)(WINDOW + PAGE_SIZE))[7] = 0;
	((volatile u32 *)(WINDOW + (TABLES << 22) - PAGE_SIZE))[8] = 0;
	call_ring0(unmap_each, 0);
	call_ring0(link_tables, 0);
	print("unmapped\r\n");
	attempts += TABLES * 1024;
}

/* --- 1: REP on a mixed page --- */

static u8 *page;

static u32 prepare(u32 unused)
{
	u32 *t = page_alloc(), data = (u32)page_alloc();

	page = page_alloc();
	for (u32 i = 0; i < 1024; i++)
		t[i] = data | PTE_P | PTE_W | PTE_U;
	for (u32 n = 0; n < 128; n++)
		page_directory[(LONG >> 22) + n] = (u32)t | PTE_P | PTE_W | PTE_U;
	load_cr3((u32)page_directory);
	return unused;
}

static void call_page(u32 at)
{
	((void (*)(void))(page + at))();
}

/* A constant that is rewritten before each call, beside code that stays. */
static void mix(void)
{
	static const u8 constant[] = { 0xb8, 0, 0, 0, 0, 0xc3 }; /* mov eax, n; ret */

	for (u32 i = 0; i < sizeof(constant); i++)
		page[i] = page[0x900 + i] = constant[i];
	for (u32 n = 0; n < MIXES; n++) {
		call_page(0x900);
		*(volatile u32 *)(page + 1) = n;
		call_page(0);
	}
}

static void rep(u8 prefix, u8 op, const char *name)
{
	u32 si = LONG, di = LONG, cx = ITERATIONS;

	page[0x100] = prefix;
	page[0x101] = op;
	page[0x102] = 0xc3;
	__asm__ volatile("call *%3; cld"
			 : "+S"(si), "+D"(di), "+c"(cx)
			 : "r"(page + 0x100), "a"(0), "d"(0x80)
			 : "memory");
	attempts++;
	check(cx == 0, name);
}

static u32 interrupts(u32 on)
{
	if (on)
		__asm__ volatile("sti");
	else
		__asm__ volatile("cli");
	return 0;
}

static void mixed_page(void)
{
	call_ring0(prepare, 0);
	mix();
	call_ring0(interrupts, 0);
	rep(0xf3, 0xac, "rep lodsb");
	rep(0xf3, 0xaa, "rep stosb");
	rep(0xf3, 0xae, "repe scasb");
	rep(0xf3, 0xa6, "repe cmpsb");
	rep(0xf3, 0xa4, "rep movsb");
	call_ring0(interrupts, 1);
}

/* --- 2: large tables --- */

#define ENTRIES 8192u
#define FIRST	16u /* behind those in use */
#define DATA_HI 0x00c0f300u
#define ROUNDS	20u

static u32 *large[2]; /* GDT, LDT */

static u32 *pages_alloc(u32 n)
{
	u32 *first = page_alloc();

	while (--n)
		page_alloc();
	return first;
}

static u32 load_large_tables(u32 unused)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) t;

	for (u32 n = 0; n < COUNT(large); n++)
		large[n] = pages_alloc(ENTRIES * 8 / PAGE_SIZE);
	__asm__ volatile("sgdt %0" : "=m"(t));
	for (u32 i = 0; i < FIRST * 2; i++)
		large[0][i] = ((u32 *)t.base)[i];
	t.limit = 0xffff;
	t.base = (u32)large[0];
	large[0][SPARE / 4] = (u32)large[1] << 16 | 0xffff;
	large[0][SPARE / 4 + 1] =
		((u32)large[1] & 0xff000000) | 0x8200 | ((u32)large[1] >> 16 & 0xff);
	__asm__ volatile("lgdt %0; lldt %w1" ::"m"(t), "r"(SPARE));
	return unused;
}

static bool tick(struct guest_frame *f)
{
	(void)f;
	outb(0x20, 0x20);
	return true;
}

static u32 begin_ticks(u32 hz)
{
	trap_hook[0x20] = tick;
	idt_set(0x20, KCS, (u32)trap_stubs + 0x20 * GATE_SIZE, 0x8f);
	timer_start(hz);
	return 0;
}

static u32 write_and_wait(u32 round)
{
	for (u32 n = 0; n < COUNT(large); n++)
		for (u32 i = FIRST; i < ENTRIES; i++) {
			large[n][i * 2] = (i + round) << 16;
			large[n][i * 2 + 1] = DATA_HI;
		}
	__asm__ volatile("sti; hlt; cli");
	return 0;
}

static void large_tables(void)
{
	u32 limit;

	call_ring0(load_large_tables, 0);
	call_ring0(begin_ticks, 1000);
	for (u32 round = 0; round < ROUNDS; round++)
		call_ring0(write_and_wait, round);
	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"((ENTRIES - 1) * 8 | 7));
	check(limit == 0xfff, "the last descriptor of the LDT");
	attempts += ROUNDS;
}

static void (*const what[])(void) = { one_page, mixed_page, large_tables };

void guest_main(void)
{
	what[cmdline_number("what", 0) % COUNT(what)]();
}
