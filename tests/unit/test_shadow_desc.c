/* SPDX-License-Identifier: MIT */
/*
 * Shadow descriptors: every descriptor type and DPL keeps the invariant of docs/isolation.md, and a
 * mirrored table follows the guest's writes. Alone: make build/unit/test_shadow_desc &&
 * build/unit/test_shadow_desc
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/base/alloc.h"
#include "vmm/mmu/shadow_desc.h"

/* All access bytes and flag nibbles: 16 x 256 descriptors. */
static void test_convert(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 16; flags++) {
		for (unsigned access = 0; access < 256; access++) {
			u64 d = 0x0000000012345678ull | (u64)access << 40 | (u64)flags << 52 |
				0x9a00000000000000ull;
			u64 s = shadow_desc_convert(d);
			unsigned dpl = access >> 5 & 3;
			bool segment = access & 0x10, present = access & 0x80;
			bool conforming = (access & 0x0c) == 0x0c;

			assert_true(shadow_desc_safe(&s, 1));
			if (!segment || (!conforming && present && (dpl == 1 || dpl == 2))) {
				assert_int_equal(s, 0);
				continue;
			}
			assert_int_equal(s >> 45 & 3, conforming || dpl ? dpl : 1);
			assert_int_equal(s >> 47 & 1, present);
			assert_int_equal(s >> 53 & 1, 0);
			assert_int_equal(s >> 40 & 1, 1);
			assert_int_equal(s & 0xff5fffffffull, d & 0xff5fffffffull);
		}
	}
}

static void test_unsafe_is_seen(void **state)
{
	u64 code64 = 0x00af9b000000ffffull | 1ull << 45, call_gate = 0x0000ec0000080000ull,
	    ring0 = 0x00cf93000000ffffull;

	(void)state;
	assert_false(shadow_desc_safe(&code64, 1));
	assert_false(shadow_desc_safe(&call_gate, 1));
	assert_false(shadow_desc_safe(&ring0, 1));
}

static void test_mirror(void **state)
{
	struct cpu *cpu = calloc(1, sizeof(*cpu));
	struct gpmem *mem = calloc(1, sizeof(*mem));
	u8 **chunk = mem_alloc(sizeof(*chunk));
	u64 *gdt = calloc(8192, 8), *ldt = calloc(8192, 8),
	    *ram = aligned_alloc(PAGE_SIZE, GPMEM_CHUNK_SIZE);
	struct shadow_desc d;
	struct cpu_segment seg;
	u64 desc = 0x00cf93000000ffffull;

	(void)state;
	chunk[0] = (u8 *)ram;
	gpmem_init(mem);
	gpmem_add_ram(mem, 0, GPMEM_CHUNK_SIZE, chunk, false, "ram");
	cpu->mem = mem;
	cpu->a20_mask = ~0ull;
	cpu->gdtr = (struct cpu_table){ 0x1000, 0x1f };
	cpu->ldtr.attr = SEG_ATTR_UNUSABLE;
	for (int i = 8186; i < 8192; i++)
		gdt[i] = 0x5555;
	gpmem_write(mem, 0x1010, &desc, 8);
	shadow_desc_init(&d, cpu, gdt, ldt);
	assert_true(shadow_desc_sync(&d, UINT32_MAX));
	assert_int_equal(gdt[2], desc | 1ull << 45 | 1ull << 40);
	shadow_desc_lookup(&d, 0x10, &seg);
	assert_int_equal(SEG_ATTR_DPL(seg.attr), 0);
	assert_int_equal(seg.limit, 0xffffffff);
	assert_true(shadow_desc_matches(&d, &seg));
	assert_false(shadow_desc_sync(&d, UINT32_MAX));

	desc = 0x00cfb3000000ffffull; /* DPL 1 */
	gpmem_write(mem, 0x1010, &desc, 8);
	assert_true(shadow_desc_sync(&d, UINT32_MAX));
	assert_int_equal(gdt[2], 0);
	assert_int_equal(d.ring12, 1);
	assert_false(shadow_desc_matches(&d, &seg));

	cpu->gdtr.limit = 0xffff; /* the whole table: the monitor's entries stay */
	shadow_desc_invalidate(&d);
	shadow_desc_sync(&d, UINT32_MAX);
	for (int i = 8186; i < 8192; i++)
		assert_int_equal(gdt[i], 0x5555);
	assert_true(shadow_desc_safe(gdt, 8186));
	shadow_desc_destroy(&d);
	gpmem_destroy(mem);
	free(ram);
	free(gdt);
	free(ldt);
	free(mem);
	free(cpu);
}

/* A machine whose GDT (64 KiB, not aligned: entries lie on two pages) is where a page table
 * says. */
#define TABLE	  0x2000u
#define GDT_FIRST 0x100000u
#define GDT_OTHER 0x140000u
#define GDT_GLA	  0x800ffcu
#define ENTRY(n)  (0x00cf93000000ffffull | (u64)(n) << 16)

static struct {
	struct cpu cpu;
	struct gpmem mem;
	u64 *gdt, *ldt;
	u8 *ram;
	struct shadow_desc d;
} m;

static void put(gpa_t gpa, u64 v, u32 len)
{
	gpmem_write(&m.mem, gpa, &v, len);
}

/* Entry i of the copy of the table at GDT_FIRST or GDT_OTHER. */
static gpa_t slot(gpa_t copy, unsigned i)
{
	return copy + (GDT_GLA & 0xfff) + i * 8;
}

static void map_gdt(unsigned page, gpa_t copy)
{
	put(TABLE + page * 4, (copy + page * PAGE_SIZE) | 3, 4);
}

static void begin(void)
{
	u8 **chunk = mem_alloc(sizeof(*chunk));

	memset(&m, 0, sizeof(m));
	m.gdt = calloc(DESC_ENTRIES, 8);
	m.ldt = calloc(DESC_ENTRIES, 8);
	chunk[0] = m.ram = aligned_alloc(PAGE_SIZE, GPMEM_CHUNK_SIZE);
	gpmem_init(&m.mem);
	gpmem_add_ram(&m.mem, 0, GPMEM_CHUNK_SIZE, chunk, false, "ram");
	m.cpu.mem = &m.mem;
	m.cpu.a20_mask = ~0ull;
	m.cpu.cr0 = CR0_PE | CR0_PG;
	m.cpu.cr3 = 0x1000;
	put(0x1000 + (GDT_GLA >> 22) * 4, TABLE | 3, 4);
	m.cpu.gdtr = (struct cpu_table){ GDT_GLA, 0xffff };
	m.cpu.ldtr.attr = SEG_ATTR_UNUSABLE;
	for (unsigned p = 0; p < DESC_PAGES; p++)
		map_gdt(p, GDT_FIRST);
	for (unsigned i = 1; i < DESC_ENTRIES; i++) {
		put(slot(GDT_FIRST, i), ENTRY(i), 8);
		put(slot(GDT_OTHER, i), ENTRY(i + 1), 8);
	}
	shadow_desc_init(&m.d, &m.cpu, m.gdt, m.ldt);
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
}

static void end(void)
{
	shadow_desc_destroy(&m.d);
	gpmem_destroy(&m.mem);
	free(m.ram);
	free(m.gdt);
	free(m.ldt);
}

static void expect(unsigned i, unsigned n)
{
	assert_int_equal(m.gdt[i], shadow_desc_convert(ENTRY(n)));
}

/* Of a full table only what was written is looked at: systems write three entries at each switch of
 * threads. */
static void test_written_entries_only(void **state)
{
	u64 read;

	(void)state;
	begin();
	read = m.d.entries_read;
	for (unsigned i = 6; i < 9; i++)
		put(slot(GDT_FIRST, i), ENTRY(77 + i), 8);
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
	for (unsigned i = 1; i < 1000; i++)
		expect(i, i >= 6 && i < 9 ? 77 + i : i);
	assert_int_equal(m.d.entries_read - read, 3);
	/* the last byte of an entry that lies on two pages */
	put(slot(GDT_FIRST, 512) + 7, 0x12, 1);
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
	assert_int_equal(m.gdt[512] >> 56, 0x12);
	assert_int_equal(m.d.entries_read - read, 4);
	shadow_desc_invalidate(&m.d); /* MOV CR3, and everything is where it was */
	assert_false(shadow_desc_sync(&m.d, UINT32_MAX));
	assert_int_equal(m.d.entries_read - read, 4);
	end();
}

/* A coherent TLB: the page table is written, and nobody executes INVLPG. */
static void test_follows_page_tables(void **state)
{
	u64 read;

	(void)state;
	begin();
	shadow_desc_follow(&m.d);
	shadow_desc_invalidate(&m.d);
	assert_false(shadow_desc_sync(&m.d, UINT32_MAX));
	for (unsigned copy = 0; copy < 4; copy++) {
		map_gdt(3, copy & 1 ? GDT_FIRST : GDT_OTHER);
		assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
		expect(511 * 3, copy & 1 ? 511 * 3 : 511 * 3 + 1);
		expect(5, 5);
	}
	put(0x1000 + (GDT_GLA >> 22) * 4, 0, 4); /* no page table at all */
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
	assert_int_equal(m.gdt[5], 0);
	put(0x1000 + (GDT_GLA >> 22) * 4, TABLE | 3, 4);
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
	expect(5, 5);
	read = m.d.entries_read;
	put(TABLE + 512 * 4, 0x1003, 4); /* another page's entry */
	assert_false(shadow_desc_sync(&m.d, UINT32_MAX));
	assert_int_equal(m.d.entries_read, read);
	end();
}

static void test_moved_page(void **state)
{
	u64 writes;

	(void)state;
	begin();
	map_gdt(2, GDT_OTHER);
	assert_false(shadow_desc_sync(&m.d, UINT32_MAX)); /* the TLB holds the old page */
	shadow_desc_invalidate_page(&m.d, 0x700000);
	shadow_desc_invalidate_page(&m.d, (GDT_GLA & PAGE_MASK) + DESC_PAGES * PAGE_SIZE);
	assert_false(shadow_desc_sync(&m.d, UINT32_MAX));
	shadow_desc_invalidate_page(&m.d, (GDT_GLA & PAGE_MASK) + 2 * PAGE_SIZE + 5);
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
	expect(700, 701);
	expect(300, 300);
	expect(1200, 1200);

	/* What is no part of the table any more is looked at once, and unwatched. */
	writes = m.d.watch_writes;
	for (unsigned i = 0; i < 10; i++)
		put(slot(GDT_FIRST, 700), ENTRY(5), 8);
	assert_int_equal(m.d.watch_writes - writes, 1);
	assert_false(shadow_desc_sync(&m.d, UINT32_MAX));
	put(slot(GDT_OTHER, 700), ENTRY(9), 8);
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
	expect(700, 9);

	put(TABLE + 2 * 4, 0, 4); /* nowhere: absent, until it is back */
	shadow_desc_invalidate(&m.d);
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
	assert_int_equal(m.gdt[700], 0);
	map_gdt(2, GDT_FIRST);
	shadow_desc_invalidate(&m.d);
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
	expect(700, 5);
	end();
}

/* Nobody reads the mirror: data behind the last entry of a table of 64 KiB, or beside a table that
 * has moved away, is soon written without us, and the next synchronisation finds all of it. */
static void test_let_go(void **state)
{
	u64 writes, read;

	(void)state;
	begin();
	for (unsigned moved = 0; moved < 2; moved++) {
		writes = m.d.watch_writes;
		for (unsigned i = 0; i < 1000; i++)
			put(slot(GDT_FIRST, 3000 + i % 700), ENTRY(i), 8);
		assert_in_range(m.d.watch_writes - writes, SHADOW_DESC_PATIENCE,
				SHADOW_DESC_PATIENCE + 3);
		put(slot(GDT_FIRST, 8), ENTRY(99 + moved), 8);
		if (moved)
			put(slot(GDT_OTHER, 8), ENTRY(70), 8);
		assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
		expect(8, moved ? 70 : 99);
		expect(3299, moved ? 3300 : 999);
		map_gdt(0, GDT_OTHER); /* the next round begins with a table elsewhere */
		for (unsigned p = 1; p < DESC_PAGES; p++)
			map_gdt(p, GDT_OTHER);
		shadow_desc_invalidate(&m.d);
	}
	/* It is watched again. */
	shadow_desc_sync(&m.d, UINT32_MAX);
	read = m.d.entries_read;
	put(slot(GDT_OTHER, 9), ENTRY(5), 8);
	assert_true(shadow_desc_sync(&m.d, UINT32_MAX));
	assert_int_equal(m.d.entries_read - read, 1);
	end();
}

/* Entries of DPL 1 and 2 are counted as they come and go, those of both tables. */
static void test_counted(void **state)
{
	(void)state;
	begin();
	put(slot(GDT_FIRST, 20), ENTRY(1) | 1ull << 45, 8);
	put(slot(GDT_FIRST, 4000), ENTRY(1) | 2ull << 45, 8);
	shadow_desc_sync(&m.d, UINT32_MAX);
	assert_int_equal(m.d.ring12, 2);
	m.cpu.ldtr = (struct cpu_segment){ .base = GDT_GLA, .limit = 0xffffffff };
	shadow_desc_invalidate(&m.d);
	shadow_desc_sync(&m.d, UINT32_MAX);
	assert_int_equal(m.d.ring12, 4);
	assert_int_equal(m.ldt[1], shadow_desc_convert(ENTRY(1)));
	m.cpu.gdtr.limit = 0xff;
	shadow_desc_invalidate(&m.d);
	shadow_desc_sync(&m.d, UINT32_MAX);
	assert_int_equal(m.d.ring12, 3);
	assert_int_equal(m.gdt[32], 0);
	put(slot(GDT_FIRST, 20), 0, 8);
	m.cpu.ldtr.attr = SEG_ATTR_UNUSABLE;
	shadow_desc_invalidate(&m.d);
	shadow_desc_sync(&m.d, UINT32_MAX);
	assert_int_equal(m.d.ring12, 0);
	end();
}

/* Segments of ring 0, which are of DPL 1 here, become the guest's own of DPL 1, to the same
 * bits. */
static void test_look_alike(void **state)
{
	u64 ring0 = ENTRY(1) & ~(3ull << 45), alike[8];

	(void)state;
	begin();
	for (unsigned i = 24; i < 32; i++) {
		put(slot(GDT_FIRST, i), ring0, 8);
		alike[i - 24] = shadow_desc_convert(ring0);
	}
	shadow_desc_sync(&m.d, UINT32_MAX);
	assert_int_equal(m.gdt[24], alike[0]);
	gpmem_write(&m.mem, slot(GDT_FIRST, 24), alike, sizeof(alike));
	shadow_desc_sync(&m.d, UINT32_MAX);
	for (unsigned i = 24; i < 32; i++)
		assert_int_equal(m.gdt[i], 0);
	assert_int_equal(m.d.ring12, 8);
	end();
}

/* A table that is written from end to end is mirrored in pieces, each no longer than its room; a
 * table that shrinks meanwhile is none the worse. */
static void test_in_pieces(void **state)
{
	enum { ROOM = 64 };
	unsigned pieces = 0;
	u64 before;

	(void)state;
	begin();
	for (unsigned i = 24; i < 4096; i++)
		put(slot(GDT_FIRST, i), ENTRY(i + 7), 8);
	while (m.d.dirty) {
		if (++pieces == 20)
			m.cpu.gdtr.limit = 2999 * 8 + 7;
		before = m.d.entries_written;
		shadow_desc_sync(&m.d, ROOM);
		assert_in_range(m.d.entries_written - before, 0, ROOM);
	}
	assert_in_range(pieces, DESC_ENTRIES / ROOM - 2, DESC_ENTRIES / ROOM + 2);
	for (unsigned i = 24; i < 4096; i++)
		assert_int_equal(m.gdt[i], i < 3000 ? shadow_desc_convert(ENTRY(i + 7)) : 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_convert),
		cmocka_unit_test(test_unsafe_is_seen),
		cmocka_unit_test(test_mirror),
		cmocka_unit_test(test_written_entries_only),
		cmocka_unit_test(test_follows_page_tables),
		cmocka_unit_test(test_moved_page),
		cmocka_unit_test(test_let_go),
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_look_alike),
		cmocka_unit_test(test_in_pieces),
	};

	return cmocka_run_group_tests_name("shadow_desc", tests, NULL, NULL);
}
