/* SPDX-License-Identifier: MIT */
/*
 * Saving and loading of all devices. Two boards are given the same port traffic, keys, movements,
 * bytes and time. At random moments the second one is replaced by a fresh board that is loaded from
 * the first one's stream. From then on as before, every value read, every vector, every call to the
 * host and every deadline must be the same on both; and right after loading so must be each byte of
 * the devices' structs that is not a pointer or a statistic. Last, streams whose fields an enemy
 * wrote. Alone: make build/unit/test_board_state && build/unit/test_board_state [seed]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "emu/board/board.h"
#include "emu/board/board_show.h"
#include "emu/board/pc_slots.h"
#include "emu/dev/cow_state.h"
#include "emu/dev/drives.h"
#include "emu/snap/crc32.h"
#include "emu/snap/snap.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/hw/apic_regs.h"
#include "kernel/hw/hpet_regs.h"
#include "kernel/hw/i8042_regs.h"
#include "kernel/hw/pci_regs.h"
#include "kernel/hw/x86.h"
#include "tests/unit/board_traffic.h"
#include "tests/unit/random.h"
#include "tests/unit/tape.h"

#define STREAM_MAX (256 * KiB)

/* Of both machines: virtual time, and how much longer the wall clock has run. */
static u64 now_ns, paused_s;

/* What is in the drives: images that all machines have, and what each has written is loaded from a
 * stream of its own. */
static const struct {
	enum drive_kind kind;
	u32 size;
	bool read_only;
} drives[DRIVE_PLACES] = {
	[PLACE_FLOPPY0] = { DRIVE_FLOPPY, 160 * KiB, false },
	[PLACE_FLOPPY1] = { DRIVE_FLOPPY, 320 * KiB, true },
	[PLACE_IDE0] = { DRIVE_DISK, 64 * KiB, false },
	[PLACE_IDE1] = { DRIVE_DISK, 48 * KiB, true },
	[PLACE_IDE2] = { DRIVE_CDROM, 128 * KiB, true },
	[PLACE_VIRTIO0] = { DRIVE_DISK, 32 * KiB, false },
};

static u8 image[DRIVE_PLACES][320 * KiB];

struct machine {
	struct cow_drive disk[DRIVE_PLACES];
	struct cow_medium medium[DRIVE_PLACES];
	struct drive drive[DRIVE_PLACES];
	struct board *board;
	struct gpmem mem;
	bool intr, a20, line_busy;
	unsigned frames[NIC_PLACES]; /* that wait for its network cards */
	u64 deadline;
	u64 told; /* a checksum of all calls to the host, but those of loading */
	bool loading;
};

/* A stream in memory. */
static u8 stream[STREAM_MAX];
static u32 stream_len, stream_at;
static struct snap snap;

static bool put(void *ctx, void *bytes, u32 n)
{
	(void)ctx;
	if (n > STREAM_MAX - stream_len)
		return false;
	memcpy(stream + stream_len, bytes, n);
	stream_len += n;
	return true;
}

static bool get(void *ctx, void *bytes, u32 n)
{
	(void)ctx;
	if (n > stream_len - stream_at)
		return false;
	memcpy(bytes, stream + stream_at, n);
	stream_at += n;
	return true;
}

/* --- The host */

static u64 now(void *ctx)
{
	(void)ctx;
	return now_ns;
}

static u64 wall(void *ctx)
{
	(void)ctx;
	return 1709208000 + paused_s + now_ns / 1000000000;
}

static void tell(struct machine *m, u64 what)
{
	if (!m->loading)
		m->told = (m->told ^ what) * 0x100000001b3ull;
}

static void intr(void *ctx, bool level)
{
	struct machine *m = ctx;

	assert_int_not_equal(level, m->intr);
	m->intr = level;
	tell(m, 1 + level);
}

static void nmi(void *ctx)
{
	tell(ctx, 0x7000);
}

static u64 tsc_due(void *ctx, u64 tsc)
{
	(void)ctx;
	return tsc / 2;
}

static void timer_moved(void *ctx, u64 deadline)
{
	((struct machine *)ctx)->deadline = deadline;
}

static bool serial_tx(void *ctx, unsigned port, u8 byte)
{
	struct machine *m = ctx;

	tell(m, 0x1000 + port * 256 + byte);
	return !m->line_busy;
}

static void debug_tx(void *ctx, u8 byte)
{
	tell(ctx, 0x2000 + byte);
}

static void power_off(void *ctx)
{
	tell(ctx, 0x3000);
}

static void reset(void *ctx, const char *why)
{
	tell(ctx, 0x4000 + strlen(why));
}

static void a20(void *ctx, bool on)
{
	struct machine *m = ctx;

	assert_int_not_equal(on, m->a20);
	m->a20 = on;
	tell(m, 0x5000 + on);
}

static void exit_code(void *ctx, u32 code)
{
	tell(ctx, 0x6000ull + code);
}

static void entropy(void *ctx, u8 *bytes, u32 n)
{
	memset(bytes, ctx ? 0x5a : 0, n);
}

static void frame_out(void *ctx, unsigned n, const u8 *frame, u32 len)
{
	tell(ctx, n + len * 256 + frame[len - 1]);
}

static u32 frame_in(void *ctx, unsigned n, u8 *frame)
{
	struct machine *m = ctx;

	if (m->frames[n])
		tell(m, n + 1);
	memset(frame, 0xff, m->frames[n] * 99);
	return m->frames[n] ? m->frames[n]-- * 99 : 0;
}

static void *take_block(void *ctx)
{
	(void)ctx;
	return malloc(COW_BLOCK);
}

static void give_block(void *ctx, void *block)
{
	(void)ctx;
	free(block);
}

static const struct cow_blocks blocks = { take_block, give_block, NULL };

static void add_drives(struct machine *m)
{
	for (unsigned i = 0; i < DRIVE_PLACES; i++) {
		if (drives[i].kind == DRIVE_NONE)
			continue;
		assert_int_equal(cow_medium_init(&m->medium[i], image[i], drives[i].size, 1,
						 drives[i].read_only, &blocks),
				 0);
		assert_int_equal(cow_drive_init(&m->disk[i]), 0);
		cow_drive_insert(&m->disk[i], &m->medium[i]);
		m->drive[i] = (struct drive){ drives[i].kind, &m->disk[i].backend };
	}
}

static struct machine *machine_new(void)
{
	struct machine *m = calloc(1, sizeof(*m));
	const struct board_config config = { .ram_size = 64 * MiB,
					     .debug_exit = true,
					     .apic = true,
					     .drives = m->drive,
					     .virtio_rng = true,
					     .virtio_console = true,
					     .virtio_balloon = true,
					     .nic = { { .kind = NIC_VIRTIO },
						      { .kind = NIC_NE2000 } } };
	const struct board_host host = {
		.now = now,
		.wall_clock = wall,
		.intr = intr,
		.nmi = nmi,
		.tsc_due = tsc_due,
		.timer_moved = timer_moved,
		.serial_tx = serial_tx,
		.debug_tx = debug_tx,
		.power_off = power_off,
		.reset = reset,
		.cpu_init = reset,
		.a20 = a20,
		.exit_code = exit_code,
		.entropy = entropy,
		.frame_out = frame_out,
		.frame_in = frame_in,
		.ctx = m,
	};

	add_drives(m);
	m->a20 = true;
	m->deadline = UINT64_MAX;
	gpmem_init(&m->mem);
	assert_int_equal(board_create(&config, &host, &m->mem, &m->board), 0);
	return m;
}

static void machine_free(struct machine *m)
{
	board_destroy(m->board);
	for (unsigned i = 0; i < DRIVE_PLACES; i++) {
		if (drives[i].kind == DRIVE_NONE)
			continue;
		assert_int_equal(cow_drive_destroy(&m->disk[i]), 0);
		cow_medium_destroy(&m->medium[i]);
	}
	gpmem_destroy(&m->mem);
	free(m);
}

/* --- Saving and loading */

static void save(struct machine *m)
{
	stream_len = 0;
	snap_save_to(&snap, put, NULL);
	snap.now = now_ns;
	board_state(m->board, &snap);
	assert_true(snap_finish(&snap));
}

static bool load(struct machine *m)
{
	stream_at = 0;
	m->loading = true;
	snap_load_from(&snap, get, NULL);
	snap.now = now_ns;
	board_state(m->board, &snap);
	m->loading = false;
	return snap_finish(&snap);
}

/* What was written, and which drives are empty, from a to b, whose drives are as at power-on. */
static void copy_media(struct machine *a, struct machine *b)
{
	static struct tape t;

	t.used = t.at = 0;
	snap_save_to(&snap, tape_put, &t);
	for (unsigned i = 0; i < DRIVE_PLACES; i++) {
		struct cow_cursor c = { 0 };

		if (drives[i].kind == DRIVE_NONE)
			continue;
		cow_save_medium(&a->medium[i], "medium", &snap);
		while (cow_save_blocks(&a->medium[i], &snap, &c, 1 + (u32)rnd() % 20))
			;
	}
	assert_true(snap_finish(&snap));
	snap_load_from(&snap, tape_get, &t);
	for (unsigned i = 0; i < DRIVE_PLACES; i++) {
		struct cow_cursor c = { 0 };

		if (drives[i].kind == DRIVE_NONE)
			continue;
		if (!a->disk[i].medium)
			cow_drive_insert(&b->disk[i], NULL);
		cow_load_medium(&b->medium[i], "medium", &snap, &c);
		while (cow_load_blocks(&b->medium[i], &snap, &c, 1 + (u32)rnd() % 20))
			;
		assert_int_equal(b->medium[i].taken, a->medium[i].taken);
		assert_int_equal(c.taken, a->medium[i].taken);
	}
	if (!snap_finish(&snap))
		fail_msg("%s", snap.error);
}

static void compare_media(const struct machine *a, const struct machine *b)
{
	static u8 x[sizeof(image[0])], y[sizeof(image[0])];

	for (unsigned i = 0; i < DRIVE_PLACES; i++) {
		const struct cow_medium *m = &a->medium[i];

		cow_medium_read(m, 0, (u32)m->sectors, x);
		cow_medium_read(&b->medium[i], 0, (u32)m->sectors, y);
		assert_memory_equal(x, y, m->sectors * DISK_SECTOR);
	}
}

/* Words that differ between two boards just created are pointers. */
static bool *pointer[40];

static void find_pointers(void)
{
	struct machine *a = machine_new(), *b = machine_new();
	const struct device_set *x = board_devices(a->board), *y = board_devices(b->board);

	assert_true(x->count <= ARRAY_SIZE(pointer));
	for (unsigned i = 0; i < x->count; i++) {
		size_t size = x->device[i].slot->class->size;

		pointer[i] = calloc(size / 8 + 1, 1);
		for (size_t at = 0; at + 8 <= size; at += 8)
			pointer[i][at / 8] = memcmp((u8 *)x->device[i].dev + at,
						    (u8 *)y->device[i].dev + at, 8) != 0;
	}
	machine_free(a);
	machine_free(b);
}

static bool unsaved(const struct device_class *class, size_t at)
{
	return at - class->unsaved.at < class->unsaved.size;
}

static void compare_structs(const struct machine *a, const struct machine *b)
{
	const struct device_set *x = board_devices(a->board), *y = board_devices(b->board);

	for (unsigned i = 0; i < x->count; i++) {
		const struct device_slot *s = x->device[i].slot;
		const u8 *saved = x->device[i].dev, *loaded = y->device[i].dev;

		for (size_t at = 0; at < s->class->size; at++)
			if (saved[at] != loaded[at] && !pointer[i][at / 8] &&
			    !unsaved(s->class, at))
				fail_msg("%s: byte %zu is %02x, loaded %02x", s->name, at,
					 saved[at], loaded[at]);
	}
}

/* --- Words (emu/board/board_show.h) */

static void line_shown(void *ctx, const char *text)
{
	assert_in_range(strlen(text), 1, DBG_LINE - 1);
	++*(u32 *)ctx;
}

/* Looks at all devices: whatever state they are in, there are words for it. */
static void look(struct machine *m)
{
	const struct device_set *set = board_devices(m->board);

	for (unsigned i = 0; i < set->count; i++) {
		u32 lines = 0;
		const struct dbg_out out = { line_shown, &lines };
		int err = board_show_device(m->board, set->device[i].slot->name, &out);

		assert_true(err == 0 || err == E_NOSYS);
		assert_int_equal(!lines, err == E_NOSYS);
	}
}

/* --- Traffic */

static void change_medium(struct machine *m, enum drive_place place)
{
	cow_drive_insert(&m->disk[place], m->disk[place].medium ? NULL : &m->medium[place]);
}

static u64 apply(struct machine *m, const struct op *op)
{
	struct board *b = m->board;
	unsigned line = op->value >> 8 & 3, place = line & 1;
	u64 value = 0;
	u32 index;

	switch (op->kind) {
	case READ:
		return board_io_read(b, (u16)op->port, op->size);
	case WRITE:
		board_io_write(b, (u16)op->port, op->size, (u32)op->value);
		return 0;
	case MEMORY_READ:
		gpmem_read(&m->mem, op->port, &value, op->size);
		return value;
	case MEMORY_WRITE:
		value = op->value;
		gpmem_write(&m->mem, op->port, &value, op->size);
		return 0;
	case MSR:
		index = op->value & 1 ? MSR_APIC_BASE : MSR_TSC_DEADLINE;
		value = op->value & 2 ? op->value : LAPIC_BASE | (op->value & 0x900);
		if (op->value >> 40 & 1)
			return (u64)board_msr_write(b, index, value);
		(void)board_msr_read(b, index, &value);
		return value;
	case TIMERS:
		return m->deadline = board_run_timers(b);
	case ACK:
		return (u64)board_intr_ack(b);
	case KEY:
		return board_key(b, (u8)op->value, op->value >> 8 & 1);
	case MOUSE:
		board_mouse(b, (s8)op->value, (s8)(op->value >> 8), (s8)(op->value >> 16),
			    op->value >> 24 & 7);
		return 0;
	case RX:
		return board_serial_rx(b, line, (u8)op->value);
	case BREAK:
		if (!(op->value >> 32 & 7))
			board_serial_break(b, line);
		return 0;
	case LINE:
		m->line_busy = op->value & 1;
		if (!m->line_busy)
			board_serial_ready(b, line);
		return 0;
	case FRAMES:
		m->frames[place] = op->value & 7;
		board_frames(b, place);
		board_settle(b);
		return m->frames[place];
	case FPU_ERROR:
		board_fpu_error(b);
		return 0;
	case MEDIUM:
		change_medium(m, op->value & 1 ? PLACE_FLOPPY0 : PLACE_IDE2);
		return 0;
	default:
		if (!(op->value >> 32 & 7))
			board_power_button(b);
		return 0;
	}
}

/* One step of traffic on both, or on a alone. */
static void step_op(struct machine *a, struct machine *b, const struct op *op)
{
	u64 x = apply(a, op);

	if (!b)
		return;

	u64 y = apply(b, op);

	if (x != y || a->intr != b->intr || a->told != b->told)
		fail_msg("kind %d port %x size %u value %llx: %llx, loaded %llx; INTR %d, %d",
			 op->kind, op->port, op->size, (unsigned long long)op->value,
			 (unsigned long long)x, (unsigned long long)y, a->intr, b->intr);
	assert_int_equal(a->deadline, b->deadline);
	assert_int_equal(board_wakes_at(a->board), board_wakes_at(b->board));
	assert_int_equal(board_can_wake(a->board), board_can_wake(b->board));
}

static void to_mouse(struct machine *a, struct machine *b)
{
	static const u8 bytes[] = { 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xee, 0xf0,
				    0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 200,	100,  80,   3 };

	step_op(a, b, &(struct op){ WRITE, I8042_COMMAND_PORT, 1, 0xd4 });
	step_op(a, b, &(struct op){ WRITE, I8042_DATA_PORT, 1, bytes[rnd() % sizeof(bytes)] });
}

static void traffic(struct machine *a, struct machine *b, unsigned steps)
{
	while (steps--) {
		struct op op = random_op();

		if (one_in(40)) {
			const u16 *p = setups[rnd() % ARRAY_SIZE(setups)];

			for (unsigned i = 0; i < ARRAY_SIZE(setups[0]) && p[i]; i += 2)
				step_op(a, b, &(struct op){ WRITE, p[i], 1, p[i + 1] });
		}
		if (one_in(8))
			now_ns += rnd() % (1ull << rnd() % 32);
		if (one_in(400))
			paused_s += rnd() % 10;
		if (one_in(30))
			to_mouse(a, b);
		step_op(a, b, &op);
		if (one_in(3)) { /* a guest that serves its interrupts */
			step_op(a, b, &(struct op){ .kind = ACK });
			step_op(a, b, &(struct op){ WRITE, 0x20, 1, 0x20 });
			step_op(a, b, &(struct op){ WRITE, 0xa0, 1, 0x20 });
		}
	}
}

static u64 seed = 88172645463325252ull;

static void test_same_afterwards(void **state)
{
	struct machine *a, *b;
	unsigned pins = 0;
	u64 written = 0;

	(void)state;
	random_state = seed;
	now_ns = 0;
	for (unsigned i = 0; i < sizeof(image); i++)
		((u8 *)image)[i] = (u8)(i >> 9);
	find_pointers();
	a = machine_new();
	for (unsigned round = 0; round < 3000; round++) {
		u32 len;
		static u8 first[STREAM_MAX];

		board_settle(a->board);
		if (one_in(10))
			look(a);
		save(a);
		b = machine_new();
		b->line_busy = a->line_busy;
		memcpy(b->frames, a->frames, sizeof(b->frames));
		copy_media(a, b);
		if (!load(b))
			fail_msg("%s", snap.error);
		compare_structs(a, b);
		assert_int_equal(a->intr, b->intr);
		assert_int_equal(a->a20, b->a20);
		assert_int_equal(a->deadline, b->deadline);
		pins += a->intr;
		memcpy(first, stream, stream_len);
		len = stream_len;
		save(b);
		assert_int_equal(stream_len, len);
		assert_memory_equal(stream, first, len);
		board_settle(a->board); /* a loaded network card looks whether frames wait */
		board_settle(b->board);
		a->told = b->told = 0;
		traffic(a, b, 1 + (unsigned)(rnd() % 100));
		if (one_in(20))
			compare_media(a, b);
		written += a->medium[PLACE_IDE0].taken + a->medium[PLACE_FLOPPY0].taken > 2;
		machine_free(a); /* loaded over and over: an error would add up */
		a = b;
		if (one_in(50))
			board_reset(a->board);
	}
	machine_free(a);
	assert_in_range(pins, 100, 2900); /* both kinds of moments were among them */
	assert_in_range(written, 100, 3000);
}

/* --- A stream from an enemy who knows how to count */

static u32 get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#define STREAM_HEAD  12u
#define SECTION_HEAD 20u
#define SIZE_AT	     16u

static u32 sections(void)
{
	u32 n = 0;

	for (u32 at = STREAM_HEAD; at < stream_len; n++)
		at += SECTION_HEAD + get32(stream + at + SIZE_AT) + 4;
	return n;
}

/* Changes up to four bytes of fields, and makes the checksums right again (emu/snap/snap.c). */
static void forge(void)
{
	static const u8 extreme[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	u32 crc, victim = (u32)rnd() % (sections() - 1); /* not the end */

	crc = crc32_update(0, stream, STREAM_HEAD);
	for (u32 at = STREAM_HEAD, n = 0; at < stream_len; n++) {
		u8 *head = stream + at, *fields = head + SECTION_HEAD;
		u32 size = get32(head + SIZE_AT);

		if (n == victim && size)
			for (unsigned i = 0; i < 4; i++)
				fields[rnd() % size] =
					one_in(2) ? (u8)rnd() : extreme[rnd() % sizeof(extreme)];
		crc = crc32_update(crc, head, SECTION_HEAD);
		crc = crc32_update(crc, fields, size);
		memcpy(fields + size, &crc, sizeof(crc));
		at += SECTION_HEAD + size + 4;
	}
}

/* Refused or not, nothing breaks that the sanitizers could see, then or afterwards. */
static void test_hostile(void **state)
{
	struct machine *a = machine_new();
	unsigned loaded = 0, refused = 0;

	(void)state;
	random_state = seed;
	now_ns = 0;
	for (unsigned round = 0; round < 3000; round++) {
		traffic(a, NULL, (unsigned)(rnd() % 30));
		save(a);
		forge();
		if (load(a)) {
			look(a);
			loaded++;
			continue;
		}
		refused++;
		assert_memory_equal(snap.error, "section ", 8);
		/* As a board that was just reset: nothing pending, nothing armed. */
		assert_false(a->intr);
		assert_true(a->a20);
		assert_int_equal(board_io_read(a->board, 0x21, 1), 0xff);
	}
	machine_free(a);
	printf("%u loaded, %u refused\n", loaded, refused);
	assert_true(loaded > 300 && refused > 300);
}

/* The clock must not stand before the time at which the machine was saved. */
static void test_clock(void **state)
{
	struct machine *a = machine_new();

	(void)state;
	now_ns = 1000;
	save(a);
	now_ns = 999;
	stream_at = 0;
	snap_load_from(&snap, get, NULL);
	snap.now = 1000;
	board_state(a->board, &snap);
	assert_false(snap_finish(&snap));
	machine_free(a);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_afterwards),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_clock),
	};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0) * 2 + 1;
	return cmocka_run_group_tests_name("board_state", tests, NULL, NULL);
}
