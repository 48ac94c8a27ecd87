/* SPDX-License-Identifier: MIT */
/*
 * The page allocator's core (kernel/lib/buddy.c) and the pieces of memory it is fed with
 * (boot/lib/memmap.c): alignment, joining, exact spans, exhaustion, a long random run against a
 * model, and firmware maps with overlaps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/lib/memmap.h"
#include "kernel/lib/buddy.h"

#define PAGES 4096u

static u8 *arena, *owner; /* owner: 0 free, else who has the page */
static u8 state[PAGES];
static struct buddy b;

static int setup(void **unused)
{
	(void)unused;
	arena = aligned_alloc(PAGES * PAGE_SIZE, PAGES * PAGE_SIZE);
	owner = calloc(1, PAGES);
	assert_non_null(arena);
	buddy_init(&b, arena, PAGES, state);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	free(arena);
	free(owner);
	return 0;
}

static u64 page_of(const void *p)
{
	return (u64)((const u8 *)p - arena) / PAGE_SIZE;
}

static void test_holes_are_never_handed_out(void **unused)
{
	(void)unused;
	buddy_add(&b, 3, 10);
	buddy_add(&b, 100, 1);
	assert_int_equal(b.total_pages, 11);
	for (int i = 0; i < 11; i++) {
		void *p = buddy_alloc(&b, 0);

		assert_non_null(p);
		assert_true((page_of(p) >= 3 && page_of(p) < 13) || page_of(p) == 100);
		memset(p, 0xff, PAGE_SIZE);
	}
	assert_null(buddy_alloc(&b, 0));
	assert_int_equal(b.free_pages, 0);
}

static void test_blocks_join_again(void **unused)
{
	void *p[PAGES];

	(void)unused;
	buddy_add(&b, 0, PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		assert_non_null(p[i] = buddy_alloc(&b, 0));
	for (unsigned i = 0; i < PAGES; i += 2)
		buddy_free(&b, p[i], 0);
	assert_null(buddy_alloc(&b, 1));
	for (unsigned i = 1; i < PAGES; i += 2)
		buddy_free(&b, p[i], 0);
	assert_int_equal(b.free_pages, PAGES);
	assert_ptr_equal(buddy_alloc(&b, 12), arena);
}

static void test_blocks_are_aligned(void **unused)
{
	(void)unused;
	buddy_add(&b, 1, PAGES - 1);
	for (unsigned order = 0; order < 11; order++) {
		void *p = buddy_alloc(&b, order);

		assert_non_null(p);
		assert_int_equal(page_of(p) & ((1u << order) - 1), 0);
	}
	assert_null(buddy_alloc(&b, 12));
	assert_null(buddy_alloc(&b, BUDDY_ORDERS));
}

static void test_spans_take_no_more(void **unused)
{
	(void)unused;
	buddy_add(&b, 0, PAGES);

	void *p = buddy_alloc_span(&b, 700);

	assert_int_equal(b.free_pages, PAGES - 700);
	memset(p, 0xff, 700 * PAGE_SIZE);
	assert_null(buddy_alloc_span(&b, PAGES));
	assert_null(buddy_alloc_span(&b, 1ull << 40));
	buddy_free_span(&b, p, 700);
	assert_int_equal(b.free_pages, PAGES);
	assert_non_null(buddy_alloc(&b, 12));
}

/* 20,000 random steps; every block must lie in pages that the model knows as free, and be whole
 * when it is given back. */
static void test_random_run(void **unused)
{
	struct {
		u8 *p;
		u64 n;
	} held[64] = { 0 };

	(void)unused;
	srand(4711);
	buddy_add(&b, 5, PAGES - 11);
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = (unsigned)rand() % 64;

		if (held[i].p) {
			for (u64 k = 0; k < held[i].n; k++) {
				assert_int_equal(*(u32 *)(void *)(held[i].p + k * PAGE_SIZE), i);
				owner[page_of(held[i].p) + k] = 0;
			}
			buddy_free_span(&b, held[i].p, held[i].n);
			held[i].p = NULL;
			continue;
		}
		held[i].n = 1 + (unsigned)rand() % 150;
		held[i].p = buddy_alloc_span(&b, held[i].n);
		if (!held[i].p)
			continue;
		for (u64 k = 0; k < held[i].n; k++) {
			assert_int_equal(owner[page_of(held[i].p) + k], 0);
			owner[page_of(held[i].p) + k] = 1;
			*(u32 *)(void *)(held[i].p + k * PAGE_SIZE) = i;
		}
	}
	for (unsigned i = 0; i < 64; i++)
		if (held[i].p)
			buddy_free_span(&b, held[i].p, held[i].n);
	assert_int_equal(b.free_pages, b.total_pages);
}

/* What is promised is nobody else's, and can be had to the last page. */
static void test_promise(void **unused)
{
	void *p[100];

	(void)unused;
	buddy_add(&b, 0, 300);
	assert_false(buddy_promise(&b, 301));
	assert_true(buddy_promise(&b, 100));
	assert_false(buddy_promise(&b, 201));
	assert_null(buddy_alloc_span(&b, 201));
	assert_non_null(buddy_alloc_span(&b, 199));
	assert_non_null(buddy_alloc(&b, 0));
	assert_null(buddy_alloc(&b, 0));
	for (unsigned i = 0; i < 100; i++)
		p[i] = buddy_alloc_promised(&b);
	assert_int_equal(b.free_pages, 0);
	for (unsigned i = 0; i < 100; i++)
		buddy_free_promised(&b, p[i]);
	assert_null(buddy_alloc(&b, 0));
	buddy_promise_end(&b, 100);
	for (unsigned i = 0; i < 100; i++)
		assert_non_null(buddy_alloc(&b, 0));
}

static struct boot_info info;

static void range(hpa_t start, hpa_t end, enum boot_range_kind kind)
{
	info.range[info.ranges++] = (struct boot_range){ start, end, kind };
}

static void test_memmap_overlaps(void **unused)
{
	static struct memmap m;

	(void)unused;
	memset(&info, 0, sizeof(info));
	range(0, 0x9fc00, BOOT_RAM);
	range(0x9fc00, 0xa0000, BOOT_RESERVED);
	range(0x100000, 0x8000000, BOOT_RAM);
	range(0x4000000, 0x5000800, BOOT_RAM);	    /* a second time */
	range(0x7fe0123, 0x7ff0000, BOOT_RESERVED); /* not on page borders */
	memmap_from_boot(&m, &info);
	assert_int_equal(m.pieces, 3);
	assert_int_equal(m.piece[0].end, 0x9f000);
	assert_int_equal(m.piece[1].start, 0x100000);
	assert_int_equal(m.piece[1].end, 0x7fe0000);
	assert_int_equal(m.piece[2].start, 0x7ff0000);
	assert_int_equal(memmap_top(&m), 0x8000000);

	memmap_remove(&m, 0, 0x100000);
	memmap_remove(&m, 0x200000, 0x300000);
	assert_int_equal(m.pieces, 3);
	assert_int_equal(memmap_take(&m, 0x200000, 0x100000, 0x8000000), 0x300000);
	assert_int_equal(memmap_take(&m, 0x10000000, 0, 0x8000000), 0);
	assert_int_equal(memmap_total(&m), 0x100000 + (0x7fe0000 - 0x500000) + 0x10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_holes_are_never_handed_out, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blocks_join_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_blocks_are_aligned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spans_take_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_promise, setup, teardown),
		cmocka_unit_test(test_memmap_overlaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
