/* SPDX-License-Identifier: MIT */
/*
 * Page tables that map everything, themselves, non-existent memory and device memory, and page
 * tables that are device memory, ROM or nothing; every combination of rights in both levels, with 4
 * KiB and 4 MiB pages and CR0.WP either way.
 *
 * Expected: rights, error codes, accessed and dirty bits as on a bare machine; what was written
 * through one mapping is read through the other; what non-existent and device memory hold is not
 * compared.
 */
#include "lib/testguest.h"

#define WINDOW	0x60000000u
#define ALIAS	0x68000000u
#define RECURSE 0xffc00000u
#define RIGHTS	(PTE_P | PTE_W | (guest_ring == 3 ? PTE_U : 0))
#define PTE_A	BIT(5)
#define PTE_D	BIT(6)
#define PTE_PS	BIT(7)
#define CR0_WP	BIT(16)
#define CR4_PSE BIT(4)

const char guest_name[] = "paging";

static u8 *data, *code;
static u32 pde, pte;

/* --- Ring 0's part --- */

static void reload(void)
{
	__asm__ volatile("mov %0, %%cr3" ::"r"(page_directory) : "memory");
}

static u32 set_pde(u32 value)
{
	page_directory[WINDOW >> 22] = value;
	reload();
	return 0;
}

/* Both levels of the window's first page. */
static u32 set_both(u32 table)
{
	*(u32 *)table = pte;
	return set_pde(pde);
}

static u32 set_wp(u32 on)
{
	u32 cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" ::"r"(on ? cr0 | CR0_WP : cr0 & ~CR0_WP));
	return 0;
}

static u32 set_pse(u32 on)
{
	__asm__ volatile("mov %0, %%cr4" ::"r"(on ? CR4_PSE : 0));
	reload();
	return 0;
}

static u32 map_window(u32 gpa)
{
	map(WINDOW, gpa, gpa ? RIGHTS : 0);
	return 0;
}

static u32 new_page(u32 unused)
{
	(void)unused;
	return (u32)page_alloc();
}

/* --- Accesses, which may fail --- */

static volatile u32 seen;

static void do_read(u32 gla)
{
	seen = *(volatile u8 *)gla;
}

static void do_write(u32 gla)
{
	*(volatile u8 *)gla = 0xc3;
}

static void do_call(u32 gla)
{
	((void (*)(void))gla)();
}

static void (*const access[])(u32) = { do_read, do_write, do_call };

/* Whether a walk that ends in a fault leaves accessed bits behind differs between processors. */
static u32 outcome(u32 sum, int vector, const u32 *table)
{
	attempts++;
	sum = digest(sum, (u32)vector);
	if (vector >= 0)
		return digest(digest(sum, caught.error), caught.cr2);
	sum = digest(sum, page_directory[WINDOW >> 22] & 0xfff);
	return table ? digest(sum, *table & 0xfff) : sum;
}

/* --- Rights --- */

static u32 rights_of_both(void)
{
	u32 sum = 0, table = call_ring0(new_page, 0);

	for (u32 n = 0; n < 64 * COUNT(access); n++) {
		pde = table | (n & 7);
		pte = (u32)code | (n >> 3 & 7);
		call_ring0(set_both, table);
		sum = outcome(sum, attempt(access[n >> 6], WINDOW + 0x123), (u32 *)table);
	}
	return sum;
}

static u32 rights_of_large(void)
{
	u32 sum = 0;

	call_ring0(set_pse, 1);
	for (u32 n = 0; n < 8 * COUNT(access); n++) {
		call_ring0(set_pde, PTE_PS | (n & 7));
		sum = outcome(sum, attempt(access[n >> 3], WINDOW + (u32)code), NULL);
	}
	call_ring0(set_pde, PTE_PS | RIGHTS);
	data[5] = 0x77;
	sum = digest(sum, *(volatile u8 *)(WINDOW + (u32)data + 5));
	*(volatile u8 *)(WINDOW + (u32)data + 6) = 0x78;
	sum = digest(sum, *(volatile u8 *)(data + 6));
	call_ring0(set_pde, 0);
	call_ring0(set_pse, 0);
	return sum;
}

static void rights(void)
{
	for (u32 i = 0; i < PAGE_SIZE; i++)
		code[i] = 0xc3;
	print("rights of both levels: digest %x\r\n", rights_of_both());
	print("rights of 4 MiB pages: digest %x\r\n", rights_of_large());
	call_ring0(set_wp, 0);
	print("rights without WP: digest %x\r\n", rights_of_both());
	call_ring0(set_wp, 1);
	call_ring0(set_pde, 0);
}

/* --- Everything --- */

/* Places where a write harms nobody: nothing is there on machines of less than 2 GiB. */
static bool nobody(u32 gpa)
{
	return gpa >= 0x80000000 && gpa < 0xe0000000;
}

static void everything(void)
{
	u32 got = 0;

	for (u32 n = 0; n < (cmdline_number("bare", 0) ? 1022 : 1024);
	     n++) { /* QEMU hangs in reading its own ROM */
		u32 gpa = n << 22 | (random_next() & 0x3ff000);

		call_ring0(map_window, gpa ? gpa : PAGE_SIZE);
		got += attempt(do_read, WINDOW + (random_next() & 0xfff)) < 0;
		if (nobody(gpa))
			got += attempt(do_write, WINDOW + (random_next() & 0xfff)) < 0;
		attempts++;
	}
	print("  all of physical memory: %u accesses\r\n", got);
	for (u32 gpa = 0xa0000; gpa < 0x100000; gpa += PAGE_SIZE) {
		call_ring0(map_window, gpa);
		attempt(do_read, WINDOW);
		if (gpa >= 0xc0000)
			attempt(do_write, WINDOW + 0xabc);
		attempts += 2;
	}
	check(true, "mapped everything");
}

/* Nothing, devices and ROM are the page table (and run as code). */
static void strange_tables(void)
{
	static const u32 places[] = { 0xe0000000, 0xfffff000, 0xfee00000, 0xfec00000, 0xb8000,
				      0xf0000,	  0xc0000,    0x7ffff000, 0 };

	for (u32 i = 0; i < COUNT(places); i++) {
		call_ring0(set_pde, places[i] | PTE_P | PTE_U);
		for (u32 n = 0; n < 64; n++) {
			u32 gla = WINDOW + (random_next() & 0x3fffff);

			attempt(do_read, gla);
			attempts++;
		}
		call_ring0(set_pde, 0);
	}
	print("  page tables that are not memory\r\n");
}

static void strange_code(void)
{
	static const u32 places[] = { 0xe0000000, 0xfee00000, 0xb8000, 0xa0000, 0x80000000 };

	call_ring0(set_pde, 0);
	for (u32 i = 0; i < COUNT(places); i++) {
		call_ring0(map_window, places[i]);
		attempt(do_call, WINDOW + 0x10);
		attempts++;
	}
	print("  code that is not memory\r\n");
}

/* --- Themselves --- */

static u32 recurse(u32 on)
{
	page_directory[1023] = on ? (u32)page_directory | RIGHTS : 0;
	reload();
	return 0;
}

static u32 flush(u32 gla)
{
	__asm__ volatile("invlpg (%0)" ::"r"(gla) : "memory");
	return 0;
}

static void recursive(void)
{
	volatile u32 *entry = (u32 *)(RECURSE + (WINDOW >> 10)), *top = (u32 *)0xfffff000;
	u8 *page[2] = { data, code };
	u32 bad = 0;

	data[0] = 0;
	code[0] = 1;
	call_ring0(map_window, (u32)data);
	call_ring0(recurse, 1);
	check(top[1023] == page_directory[1023] && top[0] == page_directory[0],
	      "the directory maps itself");
	for (u32 n = 0; n < 1000; n++) {
		*entry = (u32)page[n & 1] | RIGHTS;
		call_ring0(flush, WINDOW);
		bad += *(volatile u8 *)WINDOW != (n & 1);
		attempts++;
	}
	check(!bad, "entries changed through the directory's own mapping");
	*entry = 0;
	call_ring0(flush, WINDOW);
	check(attempt(do_read, WINDOW) == 14, "an entry removed that way");
	top[WINDOW >> 22] = 0;
	call_ring0(flush, WINDOW);
	check(attempt(do_read, WINDOW) == 14, "a table removed that way");
	top[1023] = 0;
	call_ring0(flush, 0xfffff000);
	check(attempt(do_read, 0xfffff000) == 14, "the directory removed from itself");
}

/* A table whose entries all map it: the deepest it gets. */
static void table_of_itself(void)
{
	u32 table = call_ring0(new_page, 0), bad = 0;

	for (u32 i = 0; i < 1024; i++)
		((u32 *)table)[i] = table | RIGHTS;
	call_ring0(set_pde, table | PTE_P | PTE_W | PTE_U);
	for (u32 i = 0; i < 1024; i++)
		bad += (*(volatile u32 *)(WINDOW + i * PAGE_SIZE + i * 4) & ~0xfffu) != table;
	check(!bad, "a table all of whose entries map itself");
	for (u32 i = 1023; i > 0; i--) {
		*(volatile u32 *)(WINDOW + i * 4) = (u32)data | RIGHTS;
		call_ring0(flush, WINDOW + i * PAGE_SIZE);
		data[7] = (u8)i;
		bad += *(volatile u8 *)(WINDOW + i * PAGE_SIZE + 7) != (u8)i;
		attempts++;
	}
	check(!bad, "entries changed through the table's own mapping");
	*(volatile u32 *)WINDOW = 0;
	call_ring0(flush, WINDOW);
	check(attempt(do_read, WINDOW) == 14, "the table removed from itself");
	call_ring0(set_pde, 0);
}

/* Random rubbish as a page table, read and run through. */
static void rubbish(void)
{
	u32 table = call_ring0(new_page, 0);

	for (u32 round = 0; round < 8; round++) {
		for (u32 i = 0; i < 1024; i++)
			((volatile u32 *)table)[i] = random_next();
		call_ring0(set_pde, table | PTE_P | PTE_U);
		for (u32 i = 0; i < 256; i++)
			attempt(do_read, WINDOW + (random_next() & 0x3fffff));
		attempts += 256;
	}
	call_ring0(set_pde, 0);
	check(true, "rubbish as a page table");
}

void guest_main(void)
{
	data = (u8 *)call_ring0(new_page, 0);
	code = (u8 *)call_ring0(new_page, 0);
	rights();
	everything();
	if (!cmdline_number("bare", 0)) { /* QEMU waits for its own lock, or aborts */
		strange_tables();
		strange_code();
	}
	recursive();
	table_of_itself();
	rubbish();
}
