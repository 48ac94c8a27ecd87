/* SPDX-License-Identifier: MIT */
/*
 * Streams of saved machines that earlier builds wrote: tests/unit/kept/formatN.hex, a processor and
 * a board in the midst of work. This build must load each, and save it again: a section whose
 * version is the same must come out byte by byte, so a field list that changes without a new
 * version fails here, and so does a device that joins the board without a new format.
 *
 * The newest format is open to further devices until a stream of it is kept beside the others,
 * which is done before a release:
 * build/unit/test_kept_stream write > tests/unit/kept/formatN.hex
 * Alone: make build/unit/test_kept_stream && build/unit/test_kept_stream
 */
#include "emu/board/board.h"
#include "emu/cpu/cpu_state.h"
#include "kernel/hw/pc_keys.h"
#include "tests/unit/guest_fixture.h"
#include "tests/unit/quiet_host.h"
#include "tests/unit/tape.h"

#define NOW	  5000000000ull /* virtual ns of the moment */
#define PER_LINE  48
#define FILE_NAME "tests/unit/kept/format%u.hex"

static struct snap s;
static struct board *board;
static struct gpmem board_mem;

static int setup(void **state)
{
	static const struct board_config config = { .ram_size = 64 * MiB, .apic = true };
	const struct board_host host = quiet_host();

	quiet_ns = NOW - 4000000;
	gpmem_init(&board_mem);
	assert_int_equal(board_create(&config, &host, &board_mem, &board), 0);
	return guest_setup(state);
}

static int teardown(void **state)
{
	(void)state;
	board_destroy(board);
	gpmem_destroy(&board_mem);
	return 0;
}

/* --- The machine as a stream */

static void machine_state(void)
{
	s.now = quiet_ns;
	cpu_state(&m.cpu, &s);
	board_state(board, &s);
}

static void save(struct tape *t)
{
	t->used = 0;
	snap_save_to(&s, tape_put, t);
	machine_state();
	if (!snap_finish(&s))
		fail_msg("%s", s.error);
}

static void load(struct tape *t)
{
	t->at = 0;
	snap_load_from(&s, tape_get, t);
	machine_state();
	if (!snap_finish(&s))
		fail_msg("%s", s.error);
}

/* Devices as a system sets them up, and a processor that computes. */
static void work(void)
{
	static const u16 writes[][2] = {
		{ 0x20, 0x11 },	 { 0x21, 0x30 },  { 0x21, 0x04 },  { 0x21, 0x01 },  { 0xa0, 0x11 },
		{ 0xa1, 0x38 },	 { 0xa1, 0x02 },  { 0xa1, 0x01 },  { 0x21, 0xb8 },  { 0xa1, 0x8e },
		{ 0x43, 0x34 },	 { 0x40, 0x9c },  { 0x40, 0x2e },  { 0x43, 0xb6 },  { 0x42, 0x34 },
		{ 0x42, 0x12 },	 { 0x61, 0x01 },  { 0x70, 0x0a },  { 0x71, 0x26 },  { 0x70, 0x0b },
		{ 0x71, 0x42 },	 { 0x64, 0x60 },  { 0x60, 0x47 },  { 0x60, 0xed },  { 0x3fb, 0x83 },
		{ 0x3f8, 0x01 }, { 0x3f9, 0x00 }, { 0x3fb, 3 },	   { 0x3fa, 0x81 }, { 0x3fc, 0x0b },
		{ 0x3f9, 0x05 }, { 0x08, 0x10 },  { 0x0b, 0x46 },  { 0x04, 0x34 },  { 0x04, 0x12 },
		{ 0x81, 0x07 },	 { 0x3c8, 0x11 }, { 0x3c9, 0x3f }, { 0x3c9, 0x20 }, { 0xb2, 0xf1 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(writes); i++)
		board_io_write(board, writes[i][0], 1, writes[i][1]);
	board_key(board, KEY_A, true);
	board_serial_rx(board, 0, 'k');
	quiet_ns = NOW;
	board_run_timers(board);
	CODE(AT_CODE, 0xb8, IMM32(0x11223344), 0xd9, 0xeb, 0xd9, 0xfb, HLT); /* fldpi; fsincos */
	assert_int_equal(guest_run(), HALTED);
	m.cpu.env->fpu_save(&m.cpu);
}

/* --- Kept streams */

static bool read_kept(unsigned format, struct tape *t)
{
	char name[64];
	unsigned byte;
	FILE *f;

	snprintf(name, sizeof(name), FILE_NAME, format);
	f = fopen(name, "r");
	if (!f)
		return false;
	t->used = 0;
	while (fscanf(f, "%2x", &byte) == 1)
		tape_put(t, &(u8){ (u8)byte }, 1);
	fclose(f);
	return true;
}

/* Each section of kept in again, if its version is the same. Returns how many were compared. */
static unsigned compare(const struct tape *kept, const struct tape *again)
{
	u32 at = TAPE_HEADER, length;
	unsigned compared = 0;
	const u8 *old;

	while ((old = tape_section(kept, &at, &length))) {
		u32 there = TAPE_HEADER, n = 0;
		const u8 *new;

		while ((new = tape_section(again, &there, &n)))
			if (!memcmp(new - TAPE_HEAD, old - TAPE_HEAD, SNAP_NAME))
				break;
		if (!strcmp((const char *)old - TAPE_HEAD, "end"))
			break;
		if (!new)
			fail_msg("%.12s is gone", old - TAPE_HEAD);
		if (memcmp(new - TAPE_HEAD + SNAP_NAME, old - TAPE_HEAD + SNAP_NAME, 2))
			continue;
		if (n != length || memcmp(new, old, n))
			fail_msg("section %.12s has changed, its version has not", old - TAPE_HEAD);
		compared++;
	}
	return compared;
}

static void test_every_format(void **state)
{
	struct tape kept = { 0 }, again = { 0 };

	(void)state;
	for (unsigned format = 1; format <= SNAP_FORMAT; format++) {
		if (format == SNAP_FORMAT && !read_kept(format, &kept))
			break;
		assert_true(read_kept(format, &kept));
		assert_int_equal(kept.bytes[8], format);
		quiet_ns = NOW;
		load(&kept);
		save(&again);
		assert_true(compare(&kept, &again) > 10);
	}
	free(kept.bytes);
	free(again.bytes);
}

/* What a stream of this build holds is what the kept one of its format holds. */
static void test_nothing_joined(void **state)
{
	struct tape kept = { 0 }, ours = { 0 };
	u32 at = TAPE_HEADER, was = TAPE_HEADER, n;
	const u8 *new, *old;

	(void)state;
	if (!read_kept(SNAP_FORMAT, &kept))
		return;
	work();
	save(&ours);
	while ((new = tape_section(&ours, &at, &n)) && (old = tape_section(&kept, &was, &n)))
		if (memcmp(new - TAPE_HEAD, old - TAPE_HEAD, SNAP_NAME))
			fail_msg("section %.12s, where format %u has %.12s: docs/snapshots.md",
				 new - TAPE_HEAD, SNAP_FORMAT, old - TAPE_HEAD);
	free(kept.bytes);
	free(ours.bytes);
}

static int write_stream(void)
{
	struct tape t = { 0 };
	static char name[] = "write";
	void *state = name;

	assert_int_equal(guest_create(&state), 0);
	setup(&state);
	work();
	save(&t);
	for (u32 i = 0; i < t.used; i++)
		printf("%02x%s", t.bytes[i], i % PER_LINE == PER_LINE - 1 ? "\n" : "");
	printf("\n");
	free(t.bytes);
	teardown(&state);
	guest_destroy(&state);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_format, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_joined, setup, teardown),
	};

	if (argc > 1 && !strcmp(argv[1], "write"))
		return write_stream();
	return cmocka_run_group_tests(tests, guest_create, guest_destroy);
}
