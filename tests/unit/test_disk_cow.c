/* SPDX-License-Identifier: MIT */
/*
 * Media that are copied on write: random reads and writes beside a plain copy of the image, images
 * whose last sector is not whole, blocks that are refused in the midst of a write, and what an
 * image says of its own size. Alone: make build/unit/test_disk_cow && build/unit/test_disk_cow
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "emu/chip/floppy_format.h"
#include "emu/dev/cow_state.h"
#include "emu/snap/crc32.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "tests/unit/random.h"
#include "vmm/load/media.h"

#define POOL 1024u

/* Of a pool, the next free block mostly, so that many lie in a row. */
struct payer {
	unsigned taken, limit, next;
	u8 (*pool)[COW_BLOCK];
	bool used[POOL];
};

static void *take(void *ctx)
{
	struct payer *p = ctx;

	if (p->taken == p->limit)
		return NULL;
	if (!p->pool)
		p->pool = malloc((size_t)POOL * COW_BLOCK);
	if (one_in(8))
		p->next = (u32)rnd() % POOL;
	while (p->used[p->next])
		p->next = (p->next + 1) % POOL;
	p->used[p->next] = true;
	p->taken++;
	return memset(p->pool[p->next], 0xee, COW_BLOCK);
}

static void give(void *ctx, void *block)
{
	struct payer *p = ctx;
	size_t n = (size_t)((u8(*)[COW_BLOCK])block - p->pool);

	assert_true(n < POOL && p->used[n]);
	p->used[n] = false;
	if (--p->taken)
		return;
	free(p->pool);
	p->pool = NULL;
}

#define SECTORS 6000u

static unsigned long_rows, stops;

/* By a request's way or by the short way, which ends at a block that is refused, or as the device
 * is reset; returns how many sectors were written. */
static u32 write_somehow(struct cow_medium *m, u32 at, u32 n, const u8 *data)
{
	u32 done = 0;

	if (one_in(2))
		return cow_medium_write(m, at, n, data) ? n : 0;
	while (done < n) {
		u32 part = n - done;
		u8 *to = cow_medium_writable(m, at + done, &part);

		if (!to)
			break;
		assert_in_range(part, 1, n - done);
		long_rows += part > COW_BLOCK / DISK_SECTOR;
		memcpy(to, data + done * DISK_SECTOR, part * DISK_SECTOR);
		done += part;
		if (one_in(8)) {
			stops += done < n;
			break;
		}
	}
	return done;
}

static void read_somehow(const struct cow_medium *m, u32 at, u32 n, u8 *data)
{
	if (one_in(2)) {
		cow_medium_read(m, at, n, data);
		return;
	}
	for (u32 part = n; n; n -= part, at += part, data += part * DISK_SECTOR, part = n) {
		const u8 *from = cow_medium_readable(m, at, &part);

		assert_in_range(part, 1, n);
		memcpy(data, from, part * DISK_SECTOR);
	}
}

static void test_random(void **state)
{
	static u8 image[SECTORS * DISK_SECTOR], before[sizeof(image)], model[sizeof(image)];
	static u8 data[DISK_MAX * DISK_SECTOR], back[sizeof(data)];
	struct payer payer = { .limit = 400 };
	const struct cow_blocks blocks = { take, give, &payer };
	struct cow_medium m;
	unsigned refused = 0;

	(void)state;
	random_state = 4711;
	for (unsigned i = 0; i < sizeof(image); i++)
		image[i] = (u8)rnd();
	memcpy(before, image, sizeof(image));
	memcpy(model, image, sizeof(image));
	assert_int_equal(cow_medium_init(&m, image, sizeof(image), 1, false, &blocks), 0);
	for (unsigned i = 0; i < 2000; i++) {
		u32 n = 1 + (u32)rnd() % DISK_MAX, at = (u32)rnd() % (SECTORS - n + 1);

		if (one_in(2)) {
			for (u32 k = 0; k < n * DISK_SECTOR; k++)
				data[k] = (u8)rnd();
			u32 written = write_somehow(&m, at, n, data);

			memcpy(model + at * DISK_SECTOR, data, written * DISK_SECTOR);
			refused += written < n;
		}
		read_somehow(&m, at, n, back);
		assert_memory_equal(back, model + at * DISK_SECTOR, n * DISK_SECTOR);
	}
	assert_in_range(refused, 1, 1900);
	assert_in_range(long_rows, 100, 1900);
	assert_in_range(stops, 20, 1900);
	assert_int_equal(payer.taken, 400);
	assert_int_equal(m.taken, 400);
	for (u32 s = 0; s < SECTORS; s++) {
		const u8 *block = cow_medium_written(&m, s);

		if (block)
			assert_memory_equal(block + s % 8 * DISK_SECTOR, model + s * DISK_SECTOR,
					    DISK_SECTOR);
		else
			assert_memory_equal(image + s * DISK_SECTOR, model + s * DISK_SECTOR,
					    DISK_SECTOR);
	}
	assert_memory_equal(image, before, sizeof(image));
	cow_medium_destroy(&m);
	assert_int_equal(payer.taken, 0);
}

/* The image ends in the midst of a sector: ASan would see who reads behind it. */
static void test_odd_size(void **state)
{
	struct payer payer = { .limit = 10 };
	const struct cow_blocks blocks = { take, give, &payer };
	u8 *image = malloc(5000), back[16 * DISK_SECTOR], zero[DISK_SECTOR] = { 0 };
	struct cow_medium m;
	u32 n;

	(void)state;
	memset(image, 0xaa, 5000);
	assert_int_equal(cow_medium_init(&m, image, 5000, 1, false, &blocks), 0);
	assert_int_equal(m.sectors, 10);
	for (unsigned written = 0; written < 2; written++) {
		cow_medium_read(&m, 0, 10, back);
		for (unsigned i = 0; i < 10 * DISK_SECTOR; i++)
			assert_int_equal(back[i], i < 5000 ? 0xaa : 0);
		assert_true(cow_medium_write(&m, 9, 1, back + 9 * DISK_SECTOR));
	}
	assert_true(cow_medium_write(&m, 9, 1, zero));
	cow_medium_read(&m, 8, 2, back);
	assert_int_equal(back[DISK_SECTOR - 1], 0xaa);
	assert_memory_equal(back + DISK_SECTOR, zero, DISK_SECTOR);
	cow_medium_destroy(&m);
	/* A sector that is not whole has no place until it is written. */
	assert_int_equal(cow_medium_init(&m, image, 5000, 1, false, &blocks), 0);
	n = 10;
	assert_ptr_equal(cow_medium_readable(&m, 0, &n), image);
	assert_int_equal(n, 9);
	n = 1;
	assert_null(cow_medium_readable(&m, 9, &n));
	assert_non_null(cow_medium_writable(&m, 9, &n));
	n = 10;
	assert_ptr_equal(cow_medium_readable(&m, 0, &n), image);
	assert_int_equal(n, 8);
	n = 2;
	assert_int_equal(cow_medium_readable(&m, 8, &n)[DISK_SECTOR - 1], 0xaa);
	assert_int_equal(n, 2);
	cow_medium_destroy(&m);
	/* Sectors of a CD are four of a disk. */
	assert_int_equal(cow_medium_init(&m, image, 4097, 4, true, &blocks), 0);
	assert_int_equal(m.sectors, 12);
	cow_medium_read(&m, 0, 12, back);
	assert_int_equal(back[4096], 0xaa);
	assert_int_equal(back[4097], 0);
	cow_medium_destroy(&m);
	assert_int_equal(cow_medium_init(&m, image, 0, 1, false, &blocks), 0);
	assert_int_equal(m.sectors, 0);
	cow_medium_destroy(&m);
	free(image);
}

/* --- In a stream */

struct kept {
	u8 bytes[512 * 1024];
	u32 at, size;
};

static struct snap s;

static bool keep(void *ctx, void *bytes, u32 n)
{
	struct kept *k = ctx;

	if (n > sizeof(k->bytes) - k->size)
		return false;
	memcpy(k->bytes + k->size, bytes, n);
	k->size += n;
	return true;
}

static bool take_back(void *ctx, void *bytes, u32 n)
{
	struct kept *k = ctx;

	if (n > k->size - k->at)
		return false;
	memcpy(bytes, k->bytes + k->at, n);
	k->at += n;
	return true;
}

/* How much is taken, or -1 and s.error. */
static s64 load_into(struct cow_medium *m, const struct kept *from, u32 bytes, bool check)
{
	static struct kept k;
	struct cow_cursor c;

	memcpy(&k, from, sizeof(k));
	k.size = MIN(k.size, bytes);
	k.at = 0;
	snap_load_from(&s, take_back, &k);
	cow_load_medium(m, "a.img", &s, &c);
	while (check ? cow_check_blocks(m, &s, &c, 4) : cow_load_blocks(m, &s, &c, 4))
		;
	return snap_finish(&s) ? (s64)c.taken : -1;
}

/* m as the stream has it, into media with that image, with another one, and with too few blocks. */
static void load_saved(const struct cow_medium *m, const struct kept *k, const u8 *image)
{
	static u8 x[301 * COW_BLOCK], y[sizeof(x)], other[sizeof(x)];
	struct payer payer = { .limit = 100 };
	const struct cow_blocks blocks = { take, give, &payer };
	struct cow_medium n;
	u32 group = 0;

	assert_int_equal(cow_medium_init(&n, image, m->size, 1, false, &blocks), 0);
	assert_int_equal(load_into(&n, k, k->size, true), m->taken);
	assert_int_equal(n.taken, 0);
	assert_int_equal(load_into(&n, k, k->size, false), m->taken);
	assert_int_equal(n.taken, m->taken);
	cow_medium_read(m, 0, (u32)m->sectors, x);
	cow_medium_read(&n, 0, (u32)m->sectors, y);
	assert_memory_equal(x, y, m->sectors * DISK_SECTOR);
	while (cow_medium_drop(&n, &group))
		;
	assert_int_equal(payer.taken, 0);
	for (u32 bytes = 0; bytes < k->size; bytes += 777) {
		assert_int_equal(load_into(&n, k, bytes, true), -1);
		assert_non_null(strstr(s.error, "ends here"));
	}
	assert_int_equal(n.taken, 0);
	payer.limit = 20;
	assert_int_equal(load_into(&n, k, k->size, false), -1);
	assert_non_null(strstr(s.error, "no room for block"));
	cow_medium_destroy(&n);
	memcpy(other, image, m->size);
	other[120 * COW_BLOCK] ^= 1;
	assert_int_equal(cow_medium_init(&n, other, m->size, 1, false, &blocks), 0);
	assert_int_equal(load_into(&n, k, k->size, true), -1);
	assert_non_null(strstr(s.error, "another one: block 120"));
	cow_medium_destroy(&n);
	assert_int_equal(cow_medium_init(&n, other, m->size - 1, 1, false, &blocks), 0);
	assert_int_equal(load_into(&n, k, k->size, true), -1);
	assert_non_null(strstr(s.error, "and has"));
	cow_medium_destroy(&n);
	assert_int_equal(payer.taken, 0);
}

/* Runs that are longer than a section, and the last block, of which the image has a part. */
static void test_saved(void **state)
{
	static u8 image[300 * COW_BLOCK + 700], model[301 * COW_BLOCK];
	static struct kept k;
	struct payer payer = { .limit = 100 };
	const struct cow_blocks blocks = { take, give, &payer };
	struct cow_cursor cursor = { 0 };
	struct cow_medium m;
	u64 sectors = 0, size = 0, count = 0, last = 0;
	char name[COW_STATE_NAME];

	(void)state;
	for (unsigned i = 0; i < sizeof(image); i++)
		image[i] = (u8)(i * 7 + (i >> 9));
	assert_int_equal(cow_medium_init(&m, image, sizeof(image), 1, false, &blocks), 0);
	for (unsigned i = 0; i < 40; i++) {
		u64 block = i < 37 ? 100 + i : i == 37 ? 2 : i == 38 ? 299 : 300;

		memset(model + i, (int)i, DISK_SECTOR);
		assert_true(cow_medium_write(&m, block * 8 + i % 2, 1, model + i));
	}
	for (u32 at = 0; at < m.sectors; at += 2)
		cow_medium_read(&m, at, (u32)MIN(m.sectors - at, 2ull), model + at * DISK_SECTOR);
	snap_save_to(&s, keep, &k);
	cow_save_medium(&m, "a.img", &s);
	while (cow_save_blocks(&m, &s, &cursor, 4))
		;
	assert_true(snap_finish(&s));
	snap_load_from(&s, take_back, &k);
	assert_true(snap_begin(&s, "medium", 1));
	snap_bytes(&s, name, sizeof(name));
	snap_u64(&s, sectors);
	snap_u64(&s, size);
	snap_u64(&s, count);
	snap_end(&s);
	assert_string_equal(name, "a.img");
	assert_int_equal(sectors, m.sectors);
	assert_int_equal(size, sizeof(image));
	assert_int_equal(count, 40);
	while (!strcmp(snap_next(&s), "blocks")) {
		u64 first = 0;
		u32 run = 0, crc = 0;

		assert_true(snap_begin(&s, "blocks", 1));
		snap_u64(&s, first);
		snap_u32(&s, run);
		assert_in_range(run, 1, COW_STATE_RUN);
		assert_true(!last || first >= last);
		for (u64 b = first; b < first + run; b++, count--) {
			u64 at = b * COW_BLOCK;

			snap_u32(&s, crc);
			assert_int_equal(crc, crc32_update(0, image + at,
							   MIN(sizeof(image) - at, COW_BLOCK)));
			assert_memory_equal(snap_view(&s, COW_BLOCK, "block"), model + at,
					    MIN(m.sectors * DISK_SECTOR - at, COW_BLOCK));
		}
		last = first + run;
		snap_end(&s);
	}
	assert_true(snap_finish(&s));
	assert_int_equal(count, 0);
	load_saved(&m, &k, image);
	cow_medium_destroy(&m);
}

/* --- Through a drive */

static enum disk_result result;

static void done(void *dev, struct disk_request *r)
{
	(void)dev;
	result = r->result;
}

static enum disk_result request(struct disk_port *p, enum disk_op op, u64 sector, u32 n, u8 *data)
{
	struct disk_request r = {
		.op = op, .sector = sector, .sectors = n, .data = data, .done = done
	};

	disk_submit(p, &r);
	completions_run(p->completions);
	completions_run(p->completions);
	assert_false(r.pending);
	return result;
}

static void test_drive(void **state)
{
	static u8 image[64 * DISK_SECTOR], data[64 * DISK_SECTOR];
	struct payer payer = { .limit = 3 };
	const struct cow_blocks blocks = { take, give, &payer };
	struct completions queue;
	struct cow_medium a, b;
	struct cow_drive d;
	struct disk_port port;

	(void)state;
	completions_init(&queue, NULL, NULL);
	assert_int_equal(cow_medium_init(&a, image, sizeof(image), 1, false, &blocks), 0);
	assert_int_equal(cow_medium_init(&b, image, sizeof(image), 1, true, &blocks), 0);
	assert_int_equal(cow_drive_init(&d), 0);
	assert_int_equal(disk_open(&port, &d.backend, &queue, NULL, NULL), 0);
	assert_int_equal(request(&port, DISK_READ, 0, 1, data), DISK_NO_MEDIUM);
	cow_drive_insert(&d, &a);
	memset(data, 0x11, sizeof(data));
	assert_int_equal(request(&port, DISK_WRITE, 0, 9, data), DISK_OK);
	assert_int_equal(request(&port, DISK_WRITE, 16, 1, data), DISK_FAILED); /* the 4th block */
	assert_int_equal(request(&port, DISK_WRITE, 15, 1, data), DISK_OK);
	assert_int_equal(request(&port, DISK_FLUSH, 0, 0, NULL), DISK_OK);
	assert_int_equal(request(&port, DISK_READ, 63, 2, data), DISK_OUT_OF_RANGE);
	cow_drive_insert(&d, &b);
	assert_int_equal(request(&port, DISK_READ, 0, 1, data), DISK_OK);
	assert_int_equal(data[0], 0);
	assert_int_equal(request(&port, DISK_WRITE, 0, 1, data), DISK_READ_ONLY);
	/* What was written is still on the first one. */
	cow_drive_insert(&d, &a);
	assert_int_equal(request(&port, DISK_READ, 15, 1, data), DISK_OK);
	assert_int_equal(data[0], 0x11);
	assert_int_equal(cow_drive_destroy(&d), E_BUSY);
	disk_close(&port);
	assert_int_equal(cow_drive_destroy(&d), 0);
	cow_medium_destroy(&a);
	cow_medium_destroy(&b);
	assert_int_equal(payer.taken, 0);
}

/* --- What an image says of itself */

static void test_look(void **state)
{
	static const struct {
		enum drive_kind kind;
		u32 size;
		bool good;
		const char *note;
	} t[] = {
		{ DRIVE_FLOPPY, 0, false, "it is empty" },
		{ DRIVE_FLOPPY, 1474560, true, "" },
		{ DRIVE_FLOPPY, 1474561, true, "it is truncated: 1474561 bytes of 1720320" },
		{ DRIVE_FLOPPY, 300000, true, "it is truncated: 300000 bytes of 327680" },
		{ DRIVE_FLOPPY, 2949121, false, "2949121 bytes are more" },
		{ DRIVE_CDROM, 0, false, "it is empty" },
		{ DRIVE_CDROM, 2048 * 18, true, "" },
		{ DRIVE_CDROM, 2048 * 17, true, "it is truncated: 34816 bytes of 36864" },
		{ DRIVE_CDROM, 2048 * 18 + 1, true, "36865 bytes: its last sector" },
		{ DRIVE_DISK, 512, true, "it is truncated: 512 bytes of 1024" },
		{ DRIVE_DISK, 1024, true, "" },
		{ DRIVE_DISK, 1025, true, "1025 bytes: its last sector" },
		{ DRIVE_DISK, 511, true, "511 bytes: its last sector" },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		u8 *image = calloc(1, MAX(t[i].size, 1u));
		char note[128];

		if (t[i].kind == DRIVE_CDROM && t[i].size) {
			memcpy(image + 32768, "\1CD001", 6);
			image[32768 + 80] = 18;
		}
		if (t[i].kind == DRIVE_DISK && t[i].size >= 512) {
			memcpy(image + 510, "\x55\xaa", 2);
			image[446 + 4] = 0x83;
			image[446 + 8] = 1;
			image[446 + 12] = 1;
		}
		assert_int_equal(media_look(t[i].kind, image, t[i].size, note, sizeof(note)),
				 t[i].good);
		if (strncmp(note, t[i].note, strlen(t[i].note)) || (note[0] && !t[i].note[0]))
			fail_msg("%u: %s", i, note);
		free(image);
	}
}

static void test_formats(void **state)
{
	static const struct {
		u32 kib;
		u8 tracks, heads, sectors;
		enum floppy_rate rate;
		enum floppy_drive drive;
	} t[] = {
		{ 160, 40, 1, 8, FLOPPY_250K, FLOPPY_360K },
		{ 180, 40, 1, 9, FLOPPY_250K, FLOPPY_360K },
		{ 320, 40, 2, 8, FLOPPY_250K, FLOPPY_360K },
		{ 360, 40, 2, 9, FLOPPY_250K, FLOPPY_360K },
		{ 720, 80, 2, 9, FLOPPY_250K, FLOPPY_1440K },
		{ 1200, 80, 2, 15, FLOPPY_500K, FLOPPY_1200K },
		{ 1440, 80, 2, 18, FLOPPY_500K, FLOPPY_1440K },
		{ 1680, 80, 2, 21, FLOPPY_500K, FLOPPY_1440K },
		{ 2880, 80, 2, 36, FLOPPY_1M, FLOPPY_2880K },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		const struct floppy_format *f = floppy_format_of(t[i].kib * 2);

		assert_int_equal(floppy_format_sectors(f), t[i].kib * 2);
		assert_int_equal(f->tracks, t[i].tracks);
		assert_int_equal(f->heads, t[i].heads);
		assert_int_equal(f->sectors, t[i].sectors);
		assert_int_equal(f->rate, t[i].rate);
		assert_int_equal(floppy_drive_for(f), t[i].drive);
		assert_true(floppy_drive_reads(t[i].drive, f));
		assert_int_equal(floppy_drive_reads(FLOPPY_2880K, f),
				 t[i].kib >= 720 && t[i].kib != 1200);
		assert_false(floppy_drive_reads(FLOPPY_NO_DRIVE, f));
	}
	assert_null(floppy_format_of(0));
	assert_null(floppy_format_of(5761));
	assert_false(floppy_drive_reads(FLOPPY_1440K, floppy_format_of(5760)));
	assert_false(floppy_drive_reads(FLOPPY_1200K, floppy_format_of(720)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),	cmocka_unit_test(test_odd_size),
		cmocka_unit_test(test_drive),	cmocka_unit_test(test_look),
		cmocka_unit_test(test_formats), cmocka_unit_test(test_saved),
	};

	return cmocka_run_group_tests_name("disk_cow", tests, NULL, NULL);
}
