/* SPDX-License-Identifier: MIT */
/*
 * Page tables that map everything, themselves, non-existent memory and device memory, and page
 * tables that are device memory, ROM or nothing; every combination of rights in both levels, with 4
 * KiB and 4 MiB pages and CR0.WP either way; a GDT and an LDT whose pages move.
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

/* --- Descriptor tables whose pages move: INVLPG and MOV CR3 end what was known of them --- */

#define LDT_WINDOW ALIAS
#define IN_GDT	   (SPARE | 3)
#define IN_LDT	   7u /* its first entry */

struct table {
	u16 limit;
	u32 base;
} __attribute__((packed));

static u32 marks[2] = { 0xaaaa, 0xbbbb };
static u32 gdt_page[2], ldt_page[2];
static struct table own_gdt;

static void data_descriptor(u32 *d, u32 base)
{
	d[0] = base << 16 | 0xffff;
	d[1] = (base & 0xff000000) | 0x00cff300 | (base >> 16 & 0xff);
}

static u32 load_tables(u32 unused)
{
	struct table t = { 127, WINDOW };

	(void)unused;
	__asm__ volatile("sgdt %0" : "=m"(own_gdt));
	for (u32 n = 0; n < 2; n++) {
		u32 *g = (u32 *)(gdt_page[n] = (u32)page_alloc());

		ldt_page[n] = (u32)page_alloc();
		for (u32 i = 0; i < 32; i++)
			g[i] = ((u32 *)own_gdt.base)[i];
		data_descriptor(g + SPARE / 4, (u32)&marks[n]);
		data_descriptor((u32 *)ldt_page[n], (u32)&marks[n]);
		g[SPARE / 4 + 2] = LDT_WINDOW << 16 | 7;
		g[SPARE / 4 + 3] = (LDT_WINDOW & 0xff000000) | 0x8200 | (LDT_WINDOW >> 16 & 0xff);
	}
	map(WINDOW, gdt_page[0], PTE_P | PTE_W);
	map(LDT_WINDOW, ldt_page[0], PTE_P | PTE_W);
	reload();
	__asm__ volatile("lgdt %0; lldt %w1" ::"m"(t), "r"(SPARE + 8));
	return 0;
}

static u32 unload_tables(u32 unused)
{
	(void)unused;
	__asm__ volatile("lgdt %0; lldt %w1" ::"m"(own_gdt), "r"(0));
	return 0;
}

static u32 move_by_invlpg(u32 to)
{
	map(WINDOW, gdt_page[to], PTE_P | PTE_W);
	map(LDT_WINDOW, ldt_page[to], PTE_P | PTE_W);
	__asm__ volatile("invlpg %0; invlpg %1" ::"m"(*(u8 *)WINDOW), "m"(*(u8 *)LDT_WINDOW));
	return 0;
}

static u32 move_by_cr3(u32 to)
{
	map(WINDOW, gdt_page[to], PTE_P | PTE_W);
	map(LDT_WINDOW, ldt_page[to], PTE_P | PTE_W);
	reload();
	return 0;
}

/* Written where they lie, not where they are mapped. */
static u32 exchange_bases(u32 n)
{
	u32 *g = (u32 *)gdt_page[n] + SPARE / 4, *l = (u32 *)ldt_page[n];

	data_descriptor(g, (u32)&marks[!n]);
	data_descriptor(l, (u32)&marks[!n]);
	return 0;
}

static u32 through(u32 selector)
{
	u32 value;

	__asm__ volatile("mov %w1, %%fs; mov %%fs:0, %0; mov %w2, %%fs"
			 : "=&r"(value)
			 : "r"(selector), "r"(0));
	return value;
}

static void both(const char *when)
{
	u32 gdt = through(IN_GDT), ldt = through(IN_LDT);

	print("%s: by the GDT %x, by the LDT %x\r\n", when, gdt, ldt);
}

static void moved_tables(void)
{
	call_ring0(load_tables, 0);
	for (u32 round = 0; round < 2; round++) {
		both("tables at first");
		call_ring0(move_by_invlpg, 1);
		both("moved, INVLPG");
		call_ring0(move_by_invlpg, 0);
		both("moved back");
		call_ring0(move_by_cr3, 1);
		both("moved, MOV CR3");
		call_ring0(exchange_bases, 1);
		both("written");
		call_ring0(exchange_bases, 0);
		call_ring0(move_by_cr3, 0);
		both("written before they were there");
		call_ring0(move_by_cr3, 0);
	}
	attempts += 24;
	call_ring0(unload_tables, 0);
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
	moved_tables();
}
