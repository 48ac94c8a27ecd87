/* SPDX-License-Identifier: MIT */
/*
 * Exhausts what a monitor keeps per guest: hundreds of page directories with tables of their own, a
 * page mapped 32,768 times, a directory of entries that were never accessed, more code than fits.
 *
 * Expected: all of it works, however often the monitor has to start over; `stat` tells how often it
 * did.
 */
#include "lib/testguest.h"

#define WINDOW	    0x60000000u
#define DIRECTORIES 256u
#define TABLES	    32u
#define RIGHTS	    (PTE_P | PTE_W | (guest_ring == 3 ? PTE_U : 0))
#define CODE_SIZE   0x20000u

const char guest_name[] = "exhaust";

static u32 *directory[DIRECTORIES], *table[TABLES];
static u32 counter_page;

static u32 load(u32 cr3)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(cr3) : "memory");
	return 0;
}

/* --- Directories: each its own table and its own page --- */

static u32 make_directories(u32 n)
{
	for (u32 d = 0; d < n; d++) {
		u32 *t = page_alloc(), *p = page_alloc();

		directory[d] = page_alloc();
		for (u32 i = 0; i < 1024; i++)
			directory[d][i] = page_directory[i];
		directory[d][WINDOW >> 22] = (u32)t | PTE_P | PTE_W | PTE_U;
		for (u32 i = 0; i < 1024; i++)
			t[i] = (u32)p | RIGHTS;
	}
	return 0;
}

static void directories(void)
{
	u32 bad = 0;

	call_ring0(make_directories, DIRECTORIES);
	for (u32 round = 0; round < 4; round++) {
		for (u32 d = 0; d < DIRECTORIES; d++) {
			call_ring0(load, (u32)directory[d]);
			for (u32 i = 0; i < 32; i++) {
				volatile u32 *word = (u32 *)(WINDOW + i * 33 * PAGE_SIZE + 8);

				bad += *word != (i	 ? round * 1000 + d + 1
						 : round ? round * 1000 - 1000 + d + 1
							 : 0);
				*word = round * 1000 + d + 1;
			}
			attempts += 32;
		}
	}
	call_ring0(load, (u32)page_directory);
	check(!bad, "256 page directories in turn, four times");
}

/* --- One page, 32,768 mappings --- */

static u32 make_aliases(u32 on)
{
	for (u32 n = 0; n < TABLES; n++) {
		if (!table[n]) {
			/* The directories are no longer used. */
			table[n] = directory[n];
			for (u32 i = 0; i < 1024; i++)
				table[n][i] = counter_page | RIGHTS;
		}
		page_directory[(WINDOW >> 22) + n] = on ? (u32)table[n] | PTE_P | PTE_W | PTE_U : 0;
	}
	return load((u32)page_directory);
}

static u32 new_page(u32 unused)
{
	(void)unused;
	return (u32)page_alloc();
}

static void aliases(void)
{
	counter_page = call_ring0(new_page, 0);
	call_ring0(make_aliases, 1);
	for (u32 i = 0; i < TABLES * 1024; i++)
		++*(volatile u32 *)(WINDOW + i * PAGE_SIZE);
	attempts += TABLES * 1024;
	check(*(volatile u32 *)counter_page == TABLES * 1024,
	      "a page counted up through 32768 mappings");
	call_ring0(make_aliases, 0);
}

/* --- A new directory whose every entry is used for the first time --- */

#define UNUSED 200u

static u32 make_unaccessed(u32 n)
{
	u32 *t = table[0], *d = directory[1];

	for (u32 i = 0; i < 1024; i++) {
		t[i] = counter_page | RIGHTS;
		d[i] = page_directory[i];
	}
	for (u32 i = 0; i < n; i++)
		d[(WINDOW >> 22) + i] = page_directory[(WINDOW >> 22) + i] =
			(u32)t | PTE_P | PTE_W | PTE_U;
	return load((u32)page_directory);
}

static u32 count_accessed(u32 n)
{
	u32 accessed = 0;

	for (u32 i = 0; i < n; i++)
		accessed += directory[1][(WINDOW >> 22) + i] >> 5 & 1;
	return accessed;
}

static u32 forget(u32 n)
{
	for (u32 i = 0; i < n; i++)
		page_directory[(WINDOW >> 22) + i] = 0;
	return load((u32)page_directory);
}

static void unaccessed(void)
{
	u32 bad = 0;

	call_ring0(make_unaccessed, UNUSED);
	for (u32 round = 0; round < 2; round++) {
		for (u32 i = 0; i < UNUSED; i++)
			bad += *(volatile u32 *)(WINDOW + (i << 22)) != TABLES * 1024;
		if (!round)
			call_ring0(load, (u32)directory[1]);
	}
	attempts += 2 * UNUSED;
	check(!bad && call_ring0(count_accessed, UNUSED) == UNUSED,
	      "a directory of entries that were never accessed");
	call_ring0(forget, UNUSED);
}

/* --- Code, each byte of it run once --- */

static u8 *const code = (u8 *)0x580000; /* behind what page_alloc() hands out here */

static void generate(u32 step)
{
	u8 *at = code;

	while (at < code + CODE_SIZE - 16) {
		/* add eax, step; jmp over a byte: a block of its own */
		at[0] = 0x05;
		*(u32 *)(at + 1) = step;
		at[5] = 0xeb;
		at[6] = 1;
		at[7] = 0x90;
		at += 8;
	}
	*at = 0xc3;
}

static u32 run_code(void)
{
	u32 sum = 0;

	__asm__ volatile("call *%1" : "+a"(sum) : "r"(code) : "memory", "cc");
	return sum;
}

static void much_code(void)
{
	u32 n = (CODE_SIZE - 16 + 7) / 8, bad = 0;

	for (u32 step = 1; step < 3; step++) {
		generate(step);
		for (u32 round = 0; round < 2; round++)
			bad += run_code() != n * step;
		attempts += n;
	}
	check(!bad, "128 KiB of code in 16,000 blocks");
}

void guest_main(void)
{
	directories();
	aliases();
	unaccessed();
	much_code();
}
