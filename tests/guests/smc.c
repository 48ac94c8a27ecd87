/* SPDX-License-Identifier: MIT */
/*
 * Code that is written while it runs: the next instruction, the one after a jump, a function
 * through another mapping of its page, by a string instruction, over and over; code on the page
 * that is its own page table; code whose page is swapped for another below it.
 *
 * Expected: what was written last is what runs (after a jump, which is all that the manual
 * promises; SDM 3A 8.1.3).
 */
#include "lib/testguest.h"

#define ALIAS  0x50000000u
#define RIGHTS (PTE_P | PTE_W | (guest_ring == 3 ? PTE_U : 0))

const char guest_name[] = "smc";

static u8 *code, *other;

static u32 run(const u8 *at)
{
	return ((u32(*)(void))at)();
}

/* mov eax, imm32; ret */
static void write_return(u8 *at, u32 value)
{
	at[0] = 0xb8;
	*(u32 *)(at + 1) = value;
	at[5] = 0xc3;
}

static u32 prepare(u32 unused)
{
	code = page_alloc();
	other = page_alloc();
	map(ALIAS, (u32)code, RIGHTS);
	return unused;
}

static u32 map_at_alias(u32 page)
{
	map(ALIAS, page, RIGHTS);
	return 0;
}

static void rewritten(void)
{
	u32 bad = 0;

	write_return(code, 0);
	for (u32 i = 0; i < 1000; i++) {
		*(volatile u32 *)(code + 1) = i;
		bad += run(code) != i;
		attempts++;
	}
	check(!bad, "a function rewritten before each call");
	bad = 0;
	for (u32 i = 0; i < 500; i++) {
		*(volatile u32 *)(code + 1) = i;
		bad += run((u8 *)ALIAS) != i;
		*(volatile u32 *)(ALIAS + 1) = i + 1;
		bad += run(code) != i + 1;
		attempts += 2;
	}
	check(!bad, "through another mapping of its page");
}

/* inc dword [imm of the MOV behind the jump]; jmp +0; mov eax, imm; ret */
static void writes_itself(void)
{
	u8 *p = code + 256;
	u32 bad = 0;

	*(u16 *)p = 0x05ff;
	*(u32 *)(p + 2) = (u32)p + 9;
	*(u16 *)(p + 6) = 0x00eb;
	write_return(p + 8, 0);
	for (u32 i = 1; i <= 1000; i++) {
		bad += run(p) != i;
		attempts++;
	}
	check(!bad, "code that writes its own next instruction");
}

/* Data on the page that runs. */
static void data_beside(void)
{
	u32 bad = 0;
	volatile u32 *data = (u32 *)(code + 1024);

	write_return(code, 77);
	for (u32 i = 0; i < 2000; i++) {
		*data += i;
		bad += run(code) != 77;
	}
	check(!bad && *data == 1999000u, "data on the page of the code");
}

static void copied(void)
{
	u32 bad = 0;

	for (u32 i = 0; i < 500; i++) {
		u8 *to = code, *from = other;
		u32 n = 8;

		write_return(other, i * 3);
		__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(n)::"memory");
		bad += run(code) != i * 3;
		attempts++;
	}
	check(!bad, "code copied by a string instruction");
}

/* Bytes that are both: a return of a constant, and an entry that maps a page. */
static void swapped(void)
{
	u32 bad = 0;

	write_return(code, 1);
	write_return(other, 2);
	for (u32 i = 0; i < 2000; i++) {
		call_ring0(map_at_alias, (u32)(i & 1 ? other : code));
		bad += run((u8 *)ALIAS) != (i & 1) + 1;
		attempts++;
	}
	check(!bad, "a page swapped for another");
}

/* The page table that maps ALIAS holds the code, too: its other entries are never used. */
static void in_page_table(void)
{
	u8 *table = (u8 *)(page_directory[ALIAS >> 22] & ~0xfffu) + 2048;
	u32 bad = 0;

	write_return(other, 5);
	for (u32 i = 0; i < 200; i++) {
		write_return(table, i);
		bad += run(table) != i;
		call_ring0(map_at_alias, (u32)(i & 1 ? other : code));
		bad += run(table) != i;
		attempts += 2;
	}
	check(!bad, "code within the page table that is being written");
}

void guest_main(void)
{
	call_ring0(prepare, 0);
	rewritten();
	writes_itself();
	data_beside();
	copied();
	swapped();
	in_page_table();
}
