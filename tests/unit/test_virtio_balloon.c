/* SPDX-License-Identifier: MIT */
/*
 * The virtio balloon against Virtio 1.2, 5.5: pages that go are the machine's and poisoned here,
 * so that whoever still has an address of one is found; they come again as zeros; pages that must
 * stay; a machine without memory; statistics; chains of an enemy.
 * Alone: make build/unit/test_virtio_balloon && build/unit/test_virtio_balloon
 */
#include <sanitizer/asan_interface.h>

#include "emu/chip/virtio_balloon.h"
#include "emu/mem/gpmem_state.h"
#include "tests/unit/virtio_fixture.h"

#define LIST  0x80000u	/* of page numbers */
#define FIRST 0x300000u /* the pages that go */
#define PAGES (DRIVE_RAM / PAGE_SIZE)

static struct driver t;
static struct virtio_balloon balloon;
static unsigned frames_free, frames_out, musts;
static unsigned told[2]; /* switched, written */
static bool stays;	 /* whoever watches goes on */

static bool is_own(const void *frame)
{
	for (unsigned i = 0; i < 2; i++)
		if ((const u8 *)frame >= t.d.ram[i] &&
		    (const u8 *)frame < t.d.ram[i] + GPMEM_CHUNK_SIZE)
			return true;
	return false;
}

static void *take(void *ctx, bool must)
{
	(void)ctx;
	if (!frames_free && !must)
		return NULL;
	musts += must;
	frames_free -= frames_free > 0;
	frames_out++;
	return memset(malloc(PAGE_SIZE), 0xdd, PAGE_SIZE);
}

static void give(void *ctx, void *frame)
{
	(void)ctx;
	if (is_own(frame)) {
		memset(frame, 0xee, PAGE_SIZE);
		ASAN_POISON_MEMORY_REGION(frame, PAGE_SIZE);
		frames_free++;
		return;
	}
	frames_out--;
	frames_free++;
	free(frame);
}

static void switched(void *ctx, gpa_t start, u64 size)
{
	(void)ctx;
	if (start >= DRIVE_RAM) /* the device's registers */
		return;
	assert_int_equal(size, PAGE_SIZE);
	told[0]++;
}

static void written(void *ctx, gpa_t gpa, u32 len)
{
	u8 byte;

	(void)ctx;
	gpmem_read(t.pc->mem, gpa, &byte, 1);
	assert_int_equal(byte, 0);
	assert_int_equal(len, PAGE_SIZE);
	told[1]++;
	if (!stays)
		gpmem_unwatch(t.pc->mem, gpa, GPMEM_WATCH_CODE);
}

static const struct gpmem_frames frames = { take, give, NULL };

static void begin(bool modern)
{
	frames_out = musts = told[0] = told[1] = 0;
	frames_free = 8;
	stays = false;
	driver_begin(&t, VIRTIO_BOTH);
	t.d.mem.frames = &frames;
	t.d.mem.switched = switched;
	gpmem_set_watcher(&t.d.mem, GPMEM_WATCH_CODE, written, NULL);
	assert_int_equal(gpmem_lend(&t.d.mem, 0), 0);
	pc_plug(t.pc, &virtio_balloon_class, &balloon);
	driver_find(&t, &balloon.v);
	driver_start(&t, modern, ~0ull);
}

static void end(void)
{
	virtio_balloon_class.destroy(&balloon);
	for (unsigned i = 0; i < 2; i++)
		ASAN_UNPOISON_MEMORY_REGION(t.d.ram[i], GPMEM_CHUNK_SIZE);
	drive_pc_free(&t.d);
	assert_int_equal(frames_out, 0); /* every frame was given back */
}

/* Numbers of n pages from at on, in one chain; the queue gets it. */
static void send(unsigned q, gpa_t at, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		u32 number = (u32)(at >> PAGE_SHIFT) + i;

		memcpy(ram(&t, LIST + 4 * i), &number, 4);
	}
	put_descriptor(&t, t.queue[q].table, 0, LIST, 4 * n, 0, 0);
	make_available(&t, q, 0);
	notify(&t, q);
	for (unsigned i = 0; i < 20; i++)
		run_completions(t.pc);
}

static u64 away(void)
{
	return t.d.mem.given_back;
}

static void test_there_and_back(void **state)
{
	u8 page[2 * PAGE_SIZE], zeros[sizeof(page)] = { 0 };
	u32 len;

	(void)state;
	for (unsigned modern = 0; modern < 2; modern++) {
		begin(modern);
		assert_int_equal(config32(&t, 0), 0x10021af4);
		memset(page, 0x77, sizeof(page));
		gpmem_write(&t.d.mem, FIRST + 0x800, page, sizeof(page));
		send(0, FIRST, 200);
		assert_true(interrupt(&t));
		next_used(&t, 0, &len);
		assert_int_equal(len, 0);
		assert_int_equal(away(), 200);
		assert_int_equal(told[0], 200);
		assert_int_equal(frames_free, 8 - 1 + 200); /* the chunk's table */
		/* To read one from outside brings none back. */
		gpmem_read(&t.d.mem, FIRST + 0x800, page, sizeof(page));
		assert_memory_equal(page, zeros, sizeof(page));
		assert_int_equal(away(), 200);
		/* Deflated, they are there again; read and written as any. */
		send(1, FIRST, 100);
		next_used(&t, 1, &len);
		assert_int_equal(away(), 100);
		assert_int_equal(musts, 0);
		assert_memory_equal(gpmem_ptr(&t.d.mem, FIRST, false), zeros, PAGE_SIZE);
		memset(page, 0x55, sizeof(page));
		gpmem_write(&t.d.mem, FIRST + 0x123, page, sizeof(page));
		memset(page, 0, sizeof(page));
		gpmem_read(&t.d.mem, FIRST + 0x123, page, sizeof(page));
		assert_int_equal(page[0], 0x55);
		assert_int_equal(page[sizeof(page) - 1], 0x55);
		/* Without asking, a page comes when it is touched. */
		gpmem_write(&t.d.mem, FIRST + 199 * PAGE_SIZE + 0x800, page, sizeof(page));
		assert_int_equal(musts, 1);
		assert_int_equal(away(), 99);
		end();
	}
}

/* Twice, no RAM, behind all RAM; whoever watches is told, and may keep a page. */
static void test_what_stays(void **state)
{
	(void)state;
	begin(true);
	send(0, FIRST, 1);
	send(0, FIRST, 1);
	assert_int_equal(away(), 1);
	send(0, 0xffffffff000ull, 1);
	send(0, DRIVE_RAM, 1);
	send(0, t.part[VIRTIO_CAP_COMMON] & PAGE_MASK, 1);
	assert_int_equal(away(), 1);
	gpmem_watch(&t.d.mem, FIRST + PAGE_SIZE, GPMEM_WATCH_CODE);
	gpmem_watch(&t.d.mem, FIRST + 2 * PAGE_SIZE, GPMEM_WATCH_CODE);
	send(0, FIRST + PAGE_SIZE, 1);
	stays = true;
	send(0, FIRST + 2 * PAGE_SIZE, 1);
	assert_int_equal(told[1], 2);
	assert_int_equal(away(), 2);
	assert_false(balloon.v.broken);
	end();
}

/* A page comes and goes a thousand times: it costs nothing in the end. */
static void test_again_and_again(void **state)
{
	(void)state;
	begin(true);
	for (unsigned i = 0; i < 1000; i++) {
		send(0, FIRST, 3);
		assert_int_equal(away(), 3);
		gpmem_write(&t.d.mem, FIRST, &i, 4);
		send(1, FIRST + PAGE_SIZE, 1);
		send(1, FIRST, 3);
		assert_int_equal(away(), 0);
	}
	assert_int_equal(frames_free, 8 - 1);
	end();
}

/* The machine has no page: the chain waits, and goes on when it has. Another one in front of it
 * does not help, and a reset forgets it. */
static void test_no_memory(void **state)
{
	u32 len;

	(void)state;
	begin(true);
	send(0, FIRST, 20);
	frames_free = 5;
	send(1, FIRST, 20);
	assert_int_equal(used_index(&t, 1), 0);
	assert_int_equal(away(), 15);
	notify(&t, 1);
	run_for(t.pc, 1000 * MS);
	assert_int_equal(used_index(&t, 1), 0);
	frames_free = 10;
	run_for(t.pc, 1000 * MS);
	assert_int_equal(away(), 5);
	frames_free = 10;
	run_for(t.pc, 1000 * MS);
	next_used(&t, 1, &len);
	assert_int_equal(away(), 0);
	assert_int_equal(frames_free, 5);
	send(0, FIRST, 20);
	frames_free = 0;
	send(1, FIRST, 1);
	driver_start(&t, true, ~0ull);
	frames_free = 9;
	run_for(t.pc, 1000 * MS);
	assert_int_equal(away(), 20);
	/* And no page for a table: it stays. */
	frames_free = 0;
	send(0, 0x100000, 1);
	assert_int_equal(away(), 20);
	end();
}

static void test_target(void **state)
{
	u32 v = 3;

	(void)state;
	begin(true);
	virtio_balloon_ask(&balloon, 1234);
	assert_int_equal(isr(&t), VIRTIO_ISR_CONFIG);
	assert_int_equal(read32(t.pc, t.part[VIRTIO_CAP_DEVICE]), 1234);
	write32(t.pc, t.part[VIRTIO_CAP_DEVICE] + 4, v);
	assert_int_equal(virtio_balloon_actual(&balloon), 3);
	write32(t.pc, t.part[VIRTIO_CAP_DEVICE], v);
	assert_int_equal(read32(t.pc, t.part[VIRTIO_CAP_DEVICE]), 1234);
	end();
}

/* --- Statistics */

#define FIGURES 0x90000u

static void put_figure(unsigned i, u16 tag, u64 value)
{
	memcpy(ram(&t, FIGURES + 10 * i), &tag, 2);
	memcpy(ram(&t, FIGURES + 10 * i + 2), &value, 8);
}

static void tell(unsigned figures)
{
	put_descriptor(&t, t.queue[2].table, 0, FIGURES, 10 * figures, 0, 0);
	make_available(&t, 2, 0);
	notify(&t, 2);
}

/* The buffer stays with the device until it asks anew; what is unknown is left out. */
static void test_statistics(void **state)
{
	const struct balloon_statistics *s = &balloon.work.statistics;
	u32 len;

	(void)state;
	for (unsigned modern = 0; modern < 2; modern++) {
		begin(modern);
		assert_false(virtio_balloon_measure(&balloon));
		put_figure(0, BALLOON_TOTAL, 0x123456789abcull);
		put_figure(1, BALLOON_TAGS, 77);
		put_figure(2, BALLOON_FREE, 4096);
		tell(3);
		assert_int_equal(used_index(&t, 2), 0);
		assert_int_equal(s->answers, 1);
		assert_int_equal(s->known, BIT(BALLOON_TOTAL) | BIT(BALLOON_FREE));
		assert_int_equal(s->value[BALLOON_TOTAL], 0x123456789abcull);
		assert_int_equal(s->value[BALLOON_FREE], 4096);
		assert_true(virtio_balloon_measure(&balloon));
		assert_false(virtio_balloon_measure(&balloon)); /* is asked already */
		assert_true(interrupt(&t));
		next_used(&t, 2, &len);
		assert_int_equal(len, 0);
		put_figure(0, BALLOON_FREE, 8192);
		tell(1);
		assert_int_equal(s->answers, 2);
		assert_int_equal(s->known, BIT(BALLOON_FREE));
		assert_int_equal(s->value[BALLOON_FREE], 8192);
		/* A driver that starts anew has told nothing. */
		driver_start(&t, modern, ~0ull);
		assert_int_equal(s->answers, 0);
		assert_false(virtio_balloon_measure(&balloon));
		end();
	}
}

/* Two buffers, a part of a figure, more than there are, one to write into. */
static void test_odd_statistics(void **state)
{
	(void)state;
	begin(true);
	tell(0);
	assert_int_equal(balloon.work.statistics.answers, 1);
	tell(1);
	assert_int_equal(used_index(&t, 2), 1);
	for (unsigned i = 0; i < 400; i++)
		put_figure(i, i < 16 ? BALLOON_CACHES : BALLOON_FREE, i);
	tell(400);
	assert_int_equal(balloon.work.statistics.known, BIT(BALLOON_CACHES));
	assert_int_equal(balloon.work.statistics.value[BALLOON_CACHES], 15);
	put_descriptor(&t, t.queue[2].table, 0, FIGURES, 19, 0, 0);
	make_available(&t, 2, 0);
	notify(&t, 2);
	assert_int_equal(balloon.work.statistics.value[BALLOON_CACHES], 0);
	assert_false(balloon.v.broken);
	put_descriptor(&t, t.queue[2].table, 0, FIGURES, 20, D_WRITE, 0);
	make_available(&t, 2, 0);
	notify(&t, 2);
	assert_true(balloon.v.broken);
	assert_false(virtio_balloon_measure(&balloon));
	end();
}

static void test_wrong(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		begin(true);
		put_descriptor(&t, t.queue[0].table, 0, kind ? LIST : 0x10000000, kind == 1 ? 6 : 8,
			       kind == 2 ? D_WRITE : 0, 0);
		make_available(&t, 0, 0);
		notify(&t, 0);
		assert_true(status(&t) & VIRTIO_NEEDS_RESET);
		assert_int_equal(t.reports, 1);
		driver_start(&t, true, ~0ull);
		send(0, FIRST, 1);
		assert_int_equal(away(), 1);
		end();
	}
}

/* The same number a hundred thousand times, by an indirect list: a call looks at a few hundred, and
 * all ends. */
static void test_long(void **state)
{
	(void)state;
	begin(true);
	for (unsigned i = 0; i < 100; i++)
		put_descriptor(&t, TABLE, i, 0x100000, 0x1000, i < 99 ? D_NEXT : 0, (u16)(i + 1));
	put_descriptor(&t, t.queue[0].table, 0, TABLE, 1600, D_INDIRECT, 0);
	make_available(&t, 0, 0);
	notify(&t, 0);
	assert_true(balloon.way[0].open);
	assert_in_range(balloon.way[0].at, 4, 4 * 400);
	for (unsigned i = 0; i < 1000; i++)
		run_completions(t.pc);
	assert_int_equal(used_index(&t, 0), 1);
	assert_int_equal(away(), 1); /* page 0 */
	end();
}

/* A saved machine has what is there; pages that are away are zeros, and stay away. */
static void test_whole_ram(void **state)
{
	u8 *frame[2];

	(void)state;
	begin(true);
	for (u32 i = 0; i < PAGES; i++)
		gpmem_write(&t.d.mem, i * PAGE_SIZE + 8, &i, 4);
	driver_start(&t, true, ~0ull);
	send(0, FIRST, 64);
	gpmem_write(&t.d.mem, FIRST, "back", 4);
	frame[0] = gpmem_ram(&t.d.mem, FIRST);
	frame[1] = gpmem_ram(&t.d.mem, FIRST - PAGE_SIZE);
	assert_false(is_own(frame[0]));
	assert_true(is_own(frame[1]));
	for (u32 i = 0; i < PAGES; i++) {
		gpa_t at = i * PAGE_SIZE;
		u8 bytes[16];
		u32 v;

		gpmem_read(&t.d.mem, at, bytes, 16);
		memcpy(&v, bytes + 8, 4);
		if (at >= FIRST && at < FIRST + 64 * PAGE_SIZE)
			assert_int_equal(v, 0);
		else if (at >= 0x100000)
			assert_int_equal(v, i);
	}
	assert_int_equal(away(), 63);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_what_stays),
		cmocka_unit_test(test_again_and_again),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_statistics),
		cmocka_unit_test(test_odd_statistics),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_whole_ram),
	};

	return cmocka_run_group_tests_name("virtio_balloon", tests, NULL, NULL);
}
