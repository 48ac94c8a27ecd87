/* SPDX-License-Identifier: MIT */
/*
 * Guest-physical memory: the region map, zeroing at first touch, device memory, and who is told of
 * writes. Alone: make build/unit/test_gpmem && build/unit/test_gpmem
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/dev/ram_dma.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/alloc.h"
#include "kernel/base/error.h"

struct log {
	unsigned writes;
	gpa_t gpa;
	u32 len;
	unsigned protects;
	bool on;
	u64 device[4];
	unsigned accesses;
};

static u8 *backing;

static void setup(struct gpmem *m, u64 size)
{
	u8 **chunk = mem_alloc(2 * sizeof(*chunk));

	backing = aligned_alloc(PAGE_SIZE, 2 * GPMEM_CHUNK_SIZE);
	memset(backing, 0xaa, 2 * GPMEM_CHUNK_SIZE);
	chunk[0] = backing;
	chunk[1] = backing + GPMEM_CHUNK_SIZE;
	gpmem_init(m);
	assert_int_equal(gpmem_add_ram(m, 0x100000, size, chunk, false, "ram"), 0);
}

static void teardown(struct gpmem *m)
{
	gpmem_destroy(m);
	free(backing);
}

static u64 dev_read(void *ctx, u64 offset, unsigned size)
{
	struct log *l = ctx;

	l->accesses++;
	return l->device[offset / 8] >> (offset % 8 * 8) &
	       (size == 8 ? ~0ull : (1ull << size * 8) - 1);
}

static void dev_write(void *ctx, u64 offset, unsigned size, u64 value)
{
	struct log *l = ctx;

	l->accesses++;
	memcpy((u8 *)l->device + offset, &value, size);
}

static void written(void *ctx, gpa_t gpa, u32 len)
{
	struct log *l = ctx;

	l->writes++;
	l->gpa = gpa;
	l->len += len;
}

static void protect(void *ctx, gpa_t page, bool on)
{
	struct log *l = ctx;

	(void)page;
	l->protects++;
	l->on = on;
}

static void test_regions(void **state)
{
	static const struct gpmem_mmio ops = { dev_read, dev_write };
	struct gpmem m;
	struct log l = { 0 };

	(void)state;
	setup(&m, 3 * MiB);
	assert_int_equal(gpmem_add_mmio(&m, 0xa0000, 0x1000, &ops, &l, "dev"), 0);
	assert_int_equal(gpmem_add_mmio(&m, 0x3ff000, 0x2000, &ops, &l, "over"), E_INVAL);
	assert_int_equal(gpmem_add_mmio(&m, 0x400800, 0x1000, &ops, &l, "odd"), E_INVAL);
	assert_ptr_equal(gpmem_find(&m, 0xa0fff)->ctx, &l);
	assert_null(gpmem_find(&m, 0xa1000));
	assert_null(gpmem_find(&m, 0x400000));
	assert_int_equal(gpmem_find(&m, 0x3fffff)->kind, GPMEM_RAM);
	teardown(&m);
}

/* A page reads as zero until it is written, whatever the machine's memory held; its neighbours are
 * left alone. */
static void test_zeroing(void **state)
{
	struct gpmem m;
	u32 v = 1;

	(void)state;
	setup(&m, 3 * MiB);
	gpmem_read(&m, 0x100ffe, &v, 4); /* two pages */
	assert_int_equal(v, 0);
	assert_int_equal(backing[0x2000], 0xaa);
	v = 0x11223344;
	gpmem_write(&m, 0x2ffffe, &v, 4); /* across the chunks */
	v = 0;
	gpmem_read(&m, 0x2ffffe, &v, 4);
	assert_int_equal(v, 0x11223344);
	teardown(&m);
}

static void test_holes(void **state)
{
	struct gpmem m;
	u64 v = 0;

	(void)state;
	setup(&m, 3 * MiB);
	gpmem_read(&m, 0x3ffffc, &v, 8);
	assert_int_equal(v, 0xffffffff00000000ull);
	gpmem_write(&m, 0x400000, &v, 8);
	assert_null(gpmem_ptr(&m, 0x400000, false));
	teardown(&m);
}

/* Device accesses are split into natural sizes. */
static void test_device(void **state)
{
	static const struct gpmem_mmio ops = { dev_read, dev_write };
	struct gpmem m;
	struct log l = { .device = { 0x0807060504030201ull } };
	u8 b[7];

	(void)state;
	setup(&m, 3 * MiB);
	gpmem_add_mmio(&m, 0xa0000, 0x1000, &ops, &l, "dev");
	gpmem_read(&m, 0xa0001, b, 7); /* 1 + 2 + 4 */
	assert_int_equal(l.accesses, 3);
	assert_memory_equal(b, "\2\3\4\5\6\7\10", 7);
	gpmem_write(&m, 0xa0008, "abcd", 4);
	assert_int_equal((u32)l.device[1], 0x64636261);
	assert_null(gpmem_ptr(&m, 0xa0000, true));
	teardown(&m);
}

static void test_watches(void **state)
{
	struct gpmem m;
	struct log l = { 0 };

	(void)state;
	setup(&m, 3 * MiB);
	gpmem_set_watcher(&m, GPMEM_WATCH_TABLE, written, &l);
	m.protect = protect;
	m.protect_ctx = &l;
	gpmem_watch(&m, 0x101234, GPMEM_WATCH_TABLE);
	gpmem_watch(&m, 0x101000, GPMEM_WATCH_CODE); /* a second watcher: protected already */
	assert_int_equal(l.protects, 1);
	assert_true(l.on);
	gpmem_write(&m, 0x100ffe, "wxyz", 4);
	assert_int_equal(l.writes, 1);
	assert_int_equal(l.gpa, 0x101000);
	assert_int_equal(l.len, 2);
	gpmem_write_marks(&m, 0x101ff0, "abcd", 4); /* not for who watches tables */
	assert_int_equal(l.writes, 1);
	assert_memory_equal(gpmem_ptr(&m, 0x101ff0, false), "abcd", 4);
	gpmem_set_watcher(&m, GPMEM_WATCH_CODE, written, &l);
	gpmem_write_marks(&m, 0x101ff0, "efgh", 4);
	assert_int_equal(l.writes, 2);
	gpmem_set_watcher(&m, GPMEM_WATCH_CODE, NULL, NULL);
	l.writes = 1;
	gpmem_unwatch(&m, 0x101000, GPMEM_WATCH_TABLE);
	assert_int_equal(l.protects, 1);
	assert_int_equal(gpmem_watches(&m, 0x101fff), GPMEM_WATCH_CODE);
	gpmem_unwatch(&m, 0x101000, GPMEM_WATCH_CODE);
	assert_int_equal(l.protects, 2);
	assert_false(l.on);
	gpmem_write(&m, 0x101000, "a", 1);
	assert_int_equal(l.writes, 1);
	teardown(&m);
}

static unsigned devices, others;

static void by_whom(void *ctx, gpa_t gpa, u32 len)
{
	const struct gpmem *m = ctx;

	(void)gpa;
	(void)len;
	devices += m->by_device;
	others += !m->by_device;
}

static void test_by_device(void **state)
{
	struct gpmem m;

	(void)state;
	setup(&m, 3 * MiB);
	gpmem_set_watcher(&m, GPMEM_WATCH_CODE, by_whom, &m);
	gpmem_watch(&m, 0x101000, GPMEM_WATCH_CODE);
	gpmem_write(&m, 0x101000, "a", 1);
	ram_dma_write(&m, 0x101000, "a", 1);
	gpmem_write_by_device(&m, 0x101000, "a", 1);
	assert_int_equal(devices, 2);
	gpmem_write(&m, 0x101000, "a", 1);
	assert_int_equal(others, 2);
	assert_int_equal(devices, 2);
	teardown(&m);
}

#define RAM_AT	    0x100000u
#define FRESH_PAGES 3u

static u32 let_go; /* pages, as far as told */

static void tell_protect(void *ctx, gpa_t page, bool on)
{
	(void)ctx;
	(void)page;
	let_go += !on;
}

static u32 oracle(const u8 *written, u32 at, u32 len)
{
	u32 n = 0;

	for (u32 i = at; i < at + len; i++)
		n += !written[i];
	return n;
}

/* Random writes of all kinds, beside a byte for each byte. */
static void test_fresh(void **state)
{
	static u8 written[FRESH_PAGES * PAGE_SIZE], bytes[PAGE_SIZE];
	struct gpmem m;
	u32 whole = 0;

	(void)state;
	setup(&m, 3 * MiB);
	m.protect = tell_protect;
	assert_int_equal(gpmem_follow_fresh(&m, UINT64_MAX), 0);
	memset(written, 0, sizeof(written));
	let_go = 0;
	assert_int_equal(gpmem_watches(&m, RAM_AT + 0), GPMEM_WATCH_FRESH);
	srand(5);
	for (unsigned i = 0; i < 4000; i++) {
		u32 len = 1u + (u32)rand() % (i & 1 ? 16 : 300);
		u32 at = (u32)rand() % (FRESH_PAGES * PAGE_SIZE - len);
		u32 room = PAGE_SIZE - at % PAGE_SIZE;

		assert_int_equal(gpmem_unwritten(&m, RAM_AT + at, MIN(len, room)),
				 oracle(written, at, MIN(len, room)));
		if (i % 3)
			gpmem_write(&m, RAM_AT + at, bytes, len);
		else
			gpmem_written(&m, RAM_AT + at, len);
		memset(written + at, 1, len);
	}
	for (u32 p = 0; p < FRESH_PAGES; p++) {
		bool left = oracle(written, p * PAGE_SIZE, PAGE_SIZE);

		whole += !left;
		assert_int_equal(gpmem_watches(&m, RAM_AT + p * PAGE_SIZE),
				 left ? GPMEM_WATCH_FRESH : 0);
	}
	assert_int_equal(let_go, whole);
	gpmem_write(&m, RAM_AT + FRESH_PAGES * PAGE_SIZE, bytes, PAGE_SIZE);
	assert_int_equal(gpmem_watches(&m, RAM_AT + FRESH_PAGES * PAGE_SIZE), 0);
	gpmem_fresh_begin(&m, RAM_AT + 0, PAGE_SIZE);
	assert_int_equal(gpmem_unwritten(&m, RAM_AT + 0, PAGE_SIZE), PAGE_SIZE);
	gpmem_fresh_end(&m);
	assert_int_equal(gpmem_unwritten(&m, RAM_AT + 0, PAGE_SIZE), 0);
	teardown(&m);
}

/* A page that is used for long a piece at a time. */
static void test_fresh_uses(void **state)
{
	struct gpmem m;
	u8 byte = 1;

	(void)state;
	setup(&m, 3 * MiB);
	assert_int_equal(gpmem_follow_fresh(&m, 10), 0);
	for (u32 i = 0; i < 5; i++)
		gpmem_write(&m, RAM_AT + i, &byte, 1);
	for (u32 i = 0; i < 5; i++)
		assert_int_equal(gpmem_unwritten_read(&m, RAM_AT + i + 4, 2), i ? 2 : 1);
	assert_int_equal(gpmem_watches(&m, RAM_AT + 0), 0);
	assert_int_equal(gpmem_unwritten(&m, RAM_AT + 100, 1), 0);
	assert_int_equal(gpmem_watches(&m, RAM_AT + PAGE_SIZE), GPMEM_WATCH_FRESH);
	teardown(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions),	   cmocka_unit_test(test_zeroing),
		cmocka_unit_test(test_holes),	   cmocka_unit_test(test_device),
		cmocka_unit_test(test_watches),	   cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_fresh_uses), cmocka_unit_test(test_by_device),
	};

	return cmocka_run_group_tests_name("gpmem", tests, NULL, NULL);
}
