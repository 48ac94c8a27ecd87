/* SPDX-License-Identifier: MIT */
/*
 * A guest under a debugger, which sums up its own code, data, descriptor tables and page tables
 * again and again: a point that left a trace there (an INT3, an accessed bit) would change the sum.
 * In between it calls a function on a page of its own, whose work undoes itself, and counts the
 * cycles of a call. Under -icount these are instructions, of the monitor's as well. The least of
 * several tries is what no interrupt was in.
 *
 * For ever: LINE <number> changed <sums that were not the first one> calls <of a try> cycles <of
 * the best try> mean <of all>. tests/boot/test_watched.py arms the points. Expected: no sum
 * changes. The first one is taken when all pages have been accessed. work=N: so many turns of an
 * empty loop behind each call, for an engine that takes code to be raw only if it stays so.
 */
#include "lib/testguest.h"

#define CALLS 100u
#define TRIES 40u

const char guest_name[] = "watched";

extern const u8 start[], bss_start[];
extern u32 watched_word;
static u32 idt, work;

/* The function is `called`, with an instruction behind its first one. */
__asm__(".pushsection .text.called, \"ax\"; .balign 4096\n"
	"called: incl watched_word; decl watched_word; ret\n"
	".balign 4096; .popsection\n"
	".pushsection .data.watched, \"aw\"; .balign 4096\n"
	".globl watched_word\n"
	"watched_word: .long 0; .balign 4096; .popsection\n"
	".globl called");

void called(void);

static u32 sum_up(u32 sum, const void *from, const void *to)
{
	for (const volatile u32 *p = from; p < (const volatile u32 *)to; p++)
		sum = (sum << 1 | sum >> 31) ^ *p;
	return sum;
}

/* SIDT, like what else the page analysis refuses, has a page of its own. */
__attribute__((noinline, section(".dirty"))) static u32 find_idt(u32 unused)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) idtr;

	(void)unused;
	__asm__ volatile("sidt %0" : "=m"(idtr));
	return idtr.base;
}

/* The page tables with their accessed and dirty bits. The GDT lies in .data. */
static u32 sum_of_all(void)
{
	u32 sum = sum_up(0, start, bss_start);

	sum = sum_up(sum, (const void *)idt, (const void *)(idt + 256 * 8));
	sum = sum_up(sum, page_directory, page_directory + COUNT(page_directory));
	for (u32 i = 0; i < COUNT(page_directory); i++) {
		const u8 *table = (const u8 *)(page_directory[i] & ~(PAGE_SIZE - 1));

		if (page_directory[i] & PTE_P)
			sum = sum_up(sum, table, table + PAGE_SIZE);
	}
	return sum;
}

static u32 cycles_now(void)
{
	u32 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return lo;
}

static u32 one_try(void)
{
	u32 before = cycles_now();

	for (u32 i = 0; i < CALLS; i++) {
		called();
		for (u32 n = work; n; n--)
			__asm__ volatile("");
	}
	return cycles_now() - before;
}

void guest_main(void)
{
	u32 first, changed = 0;

	idt = call_ring0(find_idt, 0);
	work = cmdline_number("work", 0);
	print("all pages are accessed: cycles %u\r\n", one_try());
	sum_of_all();
	first = sum_of_all();
	for (u32 line = 0;; line++) {
		u32 best = ~0u, all = 0;

		for (u32 i = 0; i < TRIES; i++) {
			u32 cycles = one_try();

			best = cycles < best ? cycles : best;
			all += cycles;
			changed += sum_of_all() != first;
		}
		print("LINE %u changed %u calls %u cycles %u mean %u\r\n", line, changed, CALLS,
		      best, all / TRIES);
	}
}
