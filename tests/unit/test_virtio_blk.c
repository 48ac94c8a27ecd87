/* SPDX-License-Identifier: MIT */
/*
 * The virtio block device against Virtio 1.2, 5.2: every request, whole and in pieces, what it
 * refuses and how, that what is written is safe when it has to be, and that it is saved in the
 * midst of its work. Alone: make build/unit/test_virtio_blk && build/unit/test_virtio_blk
 */
#include "emu/chip/virtio_blk.h"
#include "emu/snap/snap.h"
#include "tests/unit/tape.h"
#include "tests/unit/virtio_fixture.h"

#define SECTORS	  2000u
#define HEADER_AT BUFFER
#define STATUS_AT (BUFFER + 0x100)
#define DATA_AT	  (BUFFER + 0x1000)

enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, WRITE_ZEROES = 13 };
enum { OK, IOERR, UNSUPPORTED };

#define F_FLUSH BIT64(9)

static struct driver t;
static struct virtio_blk blk;

/* As a disk of the host's, which has no short way; else the medium is in memory. */
static bool by_requests;

static void begin(bool read_only)
{
	driver_begin(&t, VIRTIO_BOTH);
	drive_pc_add(&t.d, PLACE_VIRTIO0, DRIVE_DISK, SECTORS * 512, read_only);
	if (by_requests)
		disk_memory_by_requests(&t.d.disk[PLACE_VIRTIO0]);
	pc_plug(t.pc, &virtio_blk_class, &blk);
	driver_find(&t, &blk.v);
	driver_start(&t, true, ~0ull);
}

static void end(void)
{
	virtio_blk_class.destroy(&blk);
	drive_pc_free(&t.d);
}

static const u8 *image(void)
{
	return t.d.image[PLACE_VIRTIO0];
}

static void submit(u32 type, u64 sector, u32 len, bool to_device)
{
	u32 header[4] = { type, 0, (u32)sector, (u32)(sector >> 32) };
	u32 table = t.queue[0].table;

	memcpy(ram(&t, HEADER_AT), header, sizeof(header));
	*ram(&t, STATUS_AT) = 0xee;
	put_descriptor(&t, table, 0, HEADER_AT, 16, D_NEXT, len ? 1 : 2);
	put_descriptor(&t, table, 1, DATA_AT, len, to_device ? D_NEXT : D_NEXT | D_WRITE, 2);
	put_descriptor(&t, table, 2, STATUS_AT, 1, D_WRITE, 0);
	make_available(&t, 0, 0);
	notify(&t, 0);
}

/* Returns the status; *used: bytes that it says it wrote. */
static u8 request(u32 type, u64 sector, u32 len, bool to_device, u32 *used)
{
	submit(type, sector, len, to_device);
	run_completions(t.pc);
	assert_int_equal(next_used(&t, 0, used), 0);
	return *ram(&t, STATUS_AT);
}

static void test_read_write(void **state)
{
	u32 used;

	(void)state;
	begin(false);
	assert_int_equal(request(IN, 5, 3 * 512, false, &used), OK);
	assert_int_equal(used, 3 * 512 + 1);
	assert_memory_equal(ram(&t, DATA_AT), image() + 5 * 512, 3 * 512);
	memset(ram(&t, DATA_AT), 0x5a, 1024);
	assert_int_equal(request(OUT, 1999, 512, true, &used), OK);
	assert_int_equal(used, 1);
	for (u32 i = 0; i < 512; i++)
		assert_int_equal(image()[1999 * 512 + i], 0x5a);
	assert_int_equal(image()[1999 * 512 - 1], medium_byte(1999 * 512 - 1));
	assert_int_equal(request(FLUSH, 0, 0, false, &used), OK);
	/* Nothing at all is a request, too. */
	assert_int_equal(request(IN, 5, 0, false, &used), OK);
	assert_int_equal(used, 1);
	end();
}

/* Longer than the device's buffer: in pieces, in order. */
static void test_long(void **state)
{
	u32 used;

	(void)state;
	begin(false);
	assert_int_equal(request(IN, 3, 1900 * 512, false, &used), OK);
	assert_int_equal(used, 1900 * 512 + 1);
	assert_memory_equal(ram(&t, DATA_AT), image() + 3 * 512, 1900 * 512);
	for (u32 i = 0; i < 1900 * 512; i++)
		*ram(&t, DATA_AT + i) = (u8)(i ^ i >> 8);
	assert_int_equal(request(OUT, 100, 1900 * 512, true, &used), OK);
	assert_memory_equal(ram(&t, DATA_AT), image() + 100 * 512, 1900 * 512);
	end();
}

static void test_refused(void **state)
{
	static const struct {
		u32 type;
		u64 sector;
		u32 len;
		u8 status;
	} c[] = {
		{ IN, SECTORS, 512, IOERR },
		{ OUT, SECTORS, 512, IOERR },
		{ IN, SECTORS - 1, 1024, IOERR },
		{ OUT, SECTORS - 1, 1024, IOERR },
		{ IN, ~0ull, 512, IOERR },
		{ OUT, ~0ull, 1024, IOERR },
		{ IN, 0, 511, IOERR },
		{ OUT, 0, 513, IOERR },
		{ DISCARD, 0, 16, UNSUPPORTED },
		{ 2, 0, 512, UNSUPPORTED },
		{ 99, 0, 0, UNSUPPORTED },
	};
	u32 used;

	(void)state;
	begin(false);
	memset(ram(&t, DATA_AT), 0xaa, 2048);
	for (unsigned i = 0; i < ARRAY_SIZE(c); i++) {
		assert_int_equal(request(c[i].type, c[i].sector, c[i].len, c[i].type != IN, &used),
				 c[i].status);
		assert_int_equal(used, 1);
	}
	for (u32 i = 0; i < SECTORS * 512; i++)
		assert_int_equal(image()[i], medium_byte(i));
	assert_int_equal(*ram(&t, DATA_AT), 0xaa);
	assert_int_equal(t.reports, 0);
	end();
}

static void test_read_only(void **state)
{
	u32 used;

	(void)state;
	begin(true);
	assert_true(offered(&t) & BIT64(5));
	assert_int_equal(request(IN, 0, 512, false, &used), OK);
	assert_int_equal(request(OUT, 0, 512, true, &used), IOERR);
	assert_int_equal(image()[0], medium_byte(0));
	end();
	begin(false);
	assert_false(offered(&t) & BIT64(5));
	end();
}

static void test_identity(void **state)
{
	u32 used;

	(void)state;
	begin(false);
	memset(ram(&t, DATA_AT), 0xaa, 64);
	assert_int_equal(request(GET_ID, 0, 20, false, &used), OK);
	assert_int_equal(used, 21);
	assert_string_equal((char *)ram(&t, DATA_AT), "RLV00001");
	assert_int_equal(*ram(&t, DATA_AT + 19), 0);
	assert_int_equal(*ram(&t, DATA_AT + 20), 0xaa);
	assert_int_equal(request(GET_ID, 0, 4, false, &used), OK);
	assert_int_equal(used, 5);
	end();
}

static u8 zeroes(u64 sector, u32 sectors, u32 flags)
{
	u32 range[4] = { (u32)sector, (u32)(sector >> 32), sectors, flags }, used;

	memcpy(ram(&t, DATA_AT), range, sizeof(range));
	return request(WRITE_ZEROES, 0, 16, true, &used);
}

static void test_zeroes(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(zeroes(10, 300, 0), OK);
	for (u32 i = 0; i < SECTORS * 512; i++)
		assert_int_equal(image()[i], i >= 10 * 512 && i < 310 * 512 ? 0 : medium_byte(i));
	assert_int_equal(zeroes(20, 1, 1), OK);
	assert_int_equal(zeroes(20, 1, 2), UNSUPPORTED);
	assert_int_equal(zeroes(SECTORS, 1, 0), IOERR);
	assert_int_equal(zeroes(0, 0xffffffff, 0), IOERR);
	assert_int_equal(zeroes(~0ull, 2, 0), IOERR);
	end();
}

/* What the back end is asked for, in order. */
static char asked[64];
static const struct disk_ops *under;

static void watch_submit(void *ctx, struct disk_transfer *d)
{
	strcat(asked, d->op == DISK_READ ? "r" : d->op == DISK_WRITE ? "w" : "f");
	under->submit(ctx, d);
}

static void watch(void)
{
	static struct disk_ops ops;
	struct disk_backend *b = &t.d.disk[PLACE_VIRTIO0].backend;

	under = b->ops;
	ops = *under;
	ops.submit = watch_submit;
	b->ops = &ops;
	asked[0] = '\0';
}

/* 5.2.6.2: a driver without FLUSH. */
static void test_safe(void **state)
{
	u32 used;

	(void)state;
	begin(false);
	watch();
	driver_start(&t, true, ~F_FLUSH);
	request(OUT, 0, 512, true, &used);
	request(OUT, 0, 512 * 300, true, &used);
	request(IN, 0, 512, false, &used);
	assert_string_equal(asked, by_requests ? "wfwwwfr" : "ff");
	driver_start(&t, true, ~0ull);
	asked[0] = '\0';
	request(OUT, 0, 512, true, &used);
	request(FLUSH, 0, 0, false, &used);
	assert_string_equal(asked, by_requests ? "wf" : "f");
	end();
}

/* A reset in the midst: nothing more is read or written, and nothing comes back. */
static void test_reset(void **state)
{
	(void)state;
	begin(false);
	memset(ram(&t, DATA_AT), 0xaa, 1000 * 512);
	submit(IN, 0, 1000 * 512, false);
	completions_run(&t.pc->completions);
	set_status(&t, 0);
	run_completions(t.pc);
	for (u32 i = by_requests ? 0 : 256 * 512; i < 1000 * 512; i++)
		assert_int_equal(*ram(&t, DATA_AT + i), 0xaa);
	assert_int_equal(*ram(&t, STATUS_AT), 0xee);
	assert_int_equal(used_index(&t, 0), 0);
	end();
}

/* --- Saving */

static struct snap snap;
static struct tape tape;

static void save(void)
{
	tape.used = 0;
	snap_save_to(&snap, tape_put, &tape);
	if (snap_begin(&snap, "blk", 1))
		virtio_blk_class.state(&blk, &snap);
	snap_end(&snap);
	assert_true(snap_finish(&snap));
}

static bool load(void)
{
	tape.at = 0;
	virtio_blk_class.reset(&blk);
	snap_load_from(&snap, tape_get, &tape);
	if (snap_begin(&snap, "blk", 1))
		virtio_blk_class.state(&blk, &snap);
	snap_end(&snap);
	return snap_finish(&snap);
}

/* After each of its steps: the pieces that are done stay done, and the rest comes. */
static void test_saved(void **state)
{
	u32 used;

	(void)state;
	for (unsigned steps = 0; steps < 20; steps++) {
		begin(false);
		submit(IN, 3, 1000 * 512, false);
		for (unsigned i = 0; i < steps; i++)
			completions_run(&t.pc->completions);
		save();
		if (!used_index(&t, 0))
			memset(ram(&t, STATUS_AT), 0xee, 1);
		assert_true(load());
		assert_int_equal(reg(&t, VIRTIO_STATUS, 1), 15);
		run_completions(t.pc);
		assert_true(interrupt(&t));
		assert_int_equal(next_used(&t, 0, &used), 0);
		assert_int_equal(*ram(&t, STATUS_AT), 0);
		assert_memory_equal(ram(&t, DATA_AT), image() + 3 * 512, 1000 * 512);
		assert_int_equal(request(IN, 9, 512, false, &used), OK);
		assert_memory_equal(ram(&t, DATA_AT), image() + 9 * 512, 512);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_write), cmocka_unit_test(test_long),
		cmocka_unit_test(test_refused),	   cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_identity),   cmocka_unit_test(test_zeroes),
		cmocka_unit_test(test_safe),	   cmocka_unit_test(test_reset),
		cmocka_unit_test(test_saved),
	};

	int failed = cmocka_run_group_tests_name("virtio_blk, in memory", tests, NULL, NULL);

	by_requests = true;
	return failed + cmocka_run_group_tests_name("virtio_blk, by requests", tests, NULL, NULL);
}
