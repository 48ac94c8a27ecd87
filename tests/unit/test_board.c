/* SPDX-License-Identifier: MIT */
/*
 * The board as a whole: what a kernel does with it at boot, through board_io_*() only: finds the
 * ACPI tables, programs the PICs and the timer, takes interrupts of every source, hands over to
 * ACPI, powers off; reset, A20, late ticks, wake-up. Alone: make build/unit/test_board &&
 * build/unit/test_board
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "emu/board/board.h"
#include "emu/board/pc_slots.h"
#include "emu/dev/ticks.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/hw/pc_keys.h"
#include "tests/host/hostlib.h"

#define MS 1000000ull

struct machine {
	struct board *board;
	struct gpmem mem;
	u64 now, deadline;
	bool intr, a20;
	unsigned resets, inits, power_offs, moved;
	const char *why;
	u8 serial[4][64];
	unsigned serial_len[4];
	u32 exit_code;
	char debug[16];
	unsigned debug_len;
};

static u64 now(void *ctx)
{
	return ((struct machine *)ctx)->now;
}

static u64 wall(void *ctx)
{
	return 1709208000 + ((struct machine *)ctx)->now / NS_PER_S;
}

static void intr(void *ctx, bool level)
{
	struct machine *m = ctx;

	assert_int_not_equal(level, m->intr);
	m->intr = level;
}

static void timer_moved(void *ctx, u64 deadline)
{
	struct machine *m = ctx;

	m->deadline = deadline;
	m->moved++;
}

static bool serial_tx(void *ctx, unsigned port, u8 byte)
{
	struct machine *m = ctx;

	m->serial[port][m->serial_len[port]++ % 64] = byte;
	return true;
}

static void debug_tx(void *ctx, u8 byte)
{
	struct machine *m = ctx;

	m->debug[m->debug_len++] = (char)byte;
}

static void power_off(void *ctx)
{
	((struct machine *)ctx)->power_offs++;
}

static void reset(void *ctx, const char *why)
{
	struct machine *m = ctx;

	m->resets++;
	m->why = why;
}

static void cpu_init(void *ctx, const char *why)
{
	struct machine *m = ctx;

	m->inits++;
	m->why = why;
}

static void a20(void *ctx, bool on)
{
	struct machine *m = ctx;

	assert_int_not_equal(on, m->a20);
	m->a20 = on;
}

static void exit_code(void *ctx, u32 code)
{
	((struct machine *)ctx)->exit_code = code;
}

static int create(struct machine *m)
{
	const struct board_config config = { .ram_size = 256 * MiB, .debug_exit = true };
	const struct board_host host = {
		.now = now,
		.wall_clock = wall,
		.intr = intr,
		.timer_moved = timer_moved,
		.serial_tx = serial_tx,
		.debug_tx = debug_tx,
		.power_off = power_off,
		.reset = reset,
		.cpu_init = cpu_init,
		.a20 = a20,
		.exit_code = exit_code,
		.ctx = m,
	};

	m->a20 = true;
	m->deadline = UINT64_MAX;
	gpmem_init(&m->mem);
	return board_create(&config, &host, &m->mem, &m->board);
}

static int setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	*state = m;
	return create(m);
}

static int teardown(void **state)
{
	struct machine *m = *state;

	board_destroy(m->board);
	gpmem_destroy(&m->mem);
	free(m);
	return 0;
}

static u8 in8(struct machine *m, u16 port)
{
	return (u8)board_io_read(m->board, port, 1);
}

static void out8(struct machine *m, u16 port, u8 v)
{
	board_io_write(m->board, port, 1, v);
}

static void init_pics(struct machine *m, u16 mask)
{
	static const u8 script[][2] = { { 0x20, 0x11 }, { 0x21, 0x30 }, { 0x21, 0x04 },
					{ 0x21, 0x01 }, { 0xa0, 0x11 }, { 0xa1, 0x38 },
					{ 0xa1, 0x02 }, { 0xa1, 0x01 } };

	for (unsigned i = 0; i < ARRAY_SIZE(script); i++)
		out8(m, script[i][0], script[i][1]);
	out8(m, 0x21, (u8)mask);
	out8(m, 0xa1, (u8)(mask >> 8));
}

static void eoi(struct machine *m, int vector)
{
	if (vector >= 0x38)
		out8(m, 0xa0, 0x20);
	out8(m, 0x20, 0x20);
}

/* Runs the machine to t, always on time, and serves every interrupt; counts them per line. */
static void run_until(struct machine *m, u64 t, unsigned count[16])
{
	for (;;) {
		u64 next = board_run_timers(m->board);

		while (m->intr) {
			int vector = board_intr_ack(m->board);

			assert_in_range(vector, 0x30, 0x3f);
			count[vector - 0x30]++;
			if (vector == 0x38) {
				out8(m, 0x70, 0x0c);
				in8(m, 0x71);
			}
			eoi(m, vector);
		}
		next = MIN(next, m->deadline > m->now ? m->deadline : next);
		if (next > t)
			break;
		m->now = MAX(m->now, next);
	}
	m->now = t;
}

static u32 read32(struct machine *m, gpa_t gpa)
{
	u32 v;

	gpmem_read(&m->mem, gpa, &v, 4);
	return v;
}

static void test_memory_and_tables(void **state)
{
	struct machine *m = *state;
	gpa_t rsdp = 0;
	char sig[8];

	/* As Linux looks for it. */
	for (gpa_t at = 0xe0000; at < 0x100000 && !rsdp; at += 16) {
		gpmem_read(&m->mem, at, sig, 8);
		if (!memcmp(sig, "RSD PTR ", 8))
			rsdp = at;
	}
	assert_int_equal(rsdp, board_rsdp(m->board));
	gpmem_read(&m->mem, read32(m, rsdp + 16), sig, 4);
	assert_memory_equal(sig, "RSDT", 4);
	/* Text memory is memory; the option ROM area is empty. */
	gpmem_write(&m->mem, 0xb8000, "R\aL\a", 4);
	assert_int_equal(read32(m, 0xb8000), 0x074c0752);
	assert_int_equal(read32(m, 0xc0000), 0xffffffff);
	assert_int_equal(read32(m, 0xdfffc), 0xffffffff);
	/* Reset puts both back. */
	gpmem_write(&m->mem, rsdp, "garbage!", 8);
	board_reset(m->board);
	gpmem_read(&m->mem, rsdp, sig, 8);
	assert_memory_equal(sig, "RSD PTR ", 8);
	assert_int_equal(read32(m, 0xb8000), 0x07200720);
}

static void test_timer_tick(void **state)
{
	struct machine *m = *state;
	unsigned count[16] = { 0 };

	assert_false(board_can_wake(m->board));
	init_pics(m, 0xfffe);
	out8(m, 0x43, 0x34);
	out8(m, 0x40, (u8)4773); /* 250 Hz */
	out8(m, 0x40, 4773 >> 8);
	assert_true(board_can_wake(m->board));
	assert_true(m->deadline <= 4 * MS + 2000);
	run_until(m, 10 * 1000 * MS, count);
	/* 10 s at 1193182 / 4773 Hz, and the edge of programming. */
	assert_in_range(count[0], 2499, 2501);
	out8(m, 0x21, 0xff);
	assert_false(board_can_wake(m->board));
}

/* Linux's handle_level_irq(): masked and EOI sent first, handler, unmasked. A stall in the handler
 * costs no tick: what is owed is paid by the end. */
static void test_late_ticks_masked(void **state)
{
	struct machine *m = *state;
	unsigned ticks = 0;

	init_pics(m, 0xfffe);
	out8(m, 0x43, 0x34);
	out8(m, 0x40, (u8)4773);
	out8(m, 0x40, 4773 >> 8);
	while (m->now < 1100 * MS) {
		u64 next = board_run_timers(m->board);

		while (m->intr) {
			assert_int_equal(board_intr_ack(m->board), 0x30);
			out8(m, 0x21, 0xff);
			out8(m, 0x20, 0x60);
			if (++ticks % 25 == 0 && m->now < 1000 * MS)
				m->now += 50 * MS;
			board_run_timers(m->board);
			out8(m, 0x21, 0xfe);
			next = board_run_timers(m->board);
		}
		m->now = MAX(m->now, next);
	}
	assert_in_range(ticks, m->now / 4000229 - 1, m->now / 4000229 + 2);
}

/* 40 ms away: the ten ticks come one after the other, none twice, none lost. */
static void test_late_ticks(void **state)
{
	struct machine *m = *state;
	unsigned count[16] = { 0 };

	init_pics(m, 0xfffe);
	out8(m, 0x43, 0x34);
	out8(m, 0x40, (u8)4773);
	out8(m, 0x40, 4773 >> 8);
	run_until(m, 100 * MS, count);
	assert_in_range(count[0], 24, 26);
	m->now += 40 * MS;
	run_until(m, 1000 * MS, count);
	assert_in_range(count[0], 249, 251);
}

static void test_serial(void **state)
{
	struct machine *m = *state;
	static const u16 base[4] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
	static const u8 irq[4] = { 4, 3, 4, 3 };

	init_pics(m, 0xffe7);
	for (unsigned p = 0; p < 4; p++) {
		out8(m, base[p] + 4, 0x08);
		out8(m, base[p], (u8)('a' + p));
		assert_int_equal(m->serial_len[p], 1);
		assert_int_equal(m->serial[p][0], 'a' + p);
		out8(m, base[p] + 1, 0x01);
		assert_true(board_serial_rx(m->board, p, (u8)('A' + p)));
		assert_false(board_serial_rx(m->board, p, 'x'));
		assert_true(m->intr);
		assert_int_equal(board_intr_ack(m->board), 0x30 + irq[p]);
		assert_int_equal(in8(m, base[p]), 'A' + p);
		eoi(m, 0x30 + irq[p]);
		assert_false(m->intr);
	}
	/* COM1 and COM3 share a wire. */
	board_serial_rx(m->board, 0, '1');
	board_serial_break(m->board, 2);
	assert_int_equal(board_intr_ack(m->board), 0x34);
	in8(m, base[0]);
	eoi(m, 0x34);
	assert_false(m->intr); /* edge-triggered: the wire never fell */
	in8(m, base[2]);
	board_serial_rx(m->board, 0, '2');
	assert_true(m->intr);
	assert_true(
		board_serial_rx(m->board, 7, 'x')); /* no such port: lost, not refused for ever */
}

static void test_keyboard_and_mouse(void **state)
{
	struct machine *m = *state;

	init_pics(m, 0xeff9);
	out8(m, 0x64, 0x60);
	out8(m, 0x60, 0x47);
	assert_true(board_key(m->board, KEY_A, true));
	assert_int_equal(board_intr_ack(m->board), 0x31);
	assert_int_equal(in8(m, 0x60), 0x1e);
	eoi(m, 0x31);
	out8(m, 0x64, 0xd4);
	out8(m, 0x60, 0xf4);
	assert_int_equal(board_intr_ack(m->board), 0x3c);
	assert_int_equal(in8(m, 0x60), 0xfa);
	eoi(m, 0x3c);
	board_mouse(m->board, 1, 1, 0, 0);
	assert_int_equal(board_intr_ack(m->board), 0x3c);
	assert_int_equal(board_intr_ack(m->board), -1);
}

static void test_rtc_and_cmos(void **state)
{
	struct machine *m = *state;
	static const struct {
		u8 reg;
		u16 value;
	} t[] = { { 0x15, 640 }, { 0x17, 0xffff }, { 0x30, 63 * 1024 }, { 0x34, (256 - 16) * 16 } };
	unsigned count[16] = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		u16 v;

		out8(m, 0x70, t[i].reg);
		v = in8(m, 0x71);
		out8(m, 0x70, t[i].reg + 1);
		v = (u16)(v | in8(m, 0x71) << 8);
		assert_int_equal(v, t[i].value);
	}
	init_pics(m, 0xfefb);
	out8(m, 0x70, 0x0c);
	in8(m, 0x71);
	out8(m, 0x70, 0x0b);
	out8(m, 0x71, 0x12);
	assert_true(board_can_wake(m->board));
	run_until(m, 5 * 1000 * MS, count);
	assert_int_equal(count[8], 5);
}

static void test_acpi_power_off(void **state)
{
	struct machine *m = *state;

	init_pics(m, 0xfdfb);
	out8(m, 0xb2, 0xf1);
	assert_int_equal(board_io_read(m->board, 0x604, 2) & 1, 1);
	board_io_write(m->board, 0x602, 2, 0x0100);
	board_power_button(m->board);
	assert_int_equal(board_intr_ack(m->board), 0x39);
	board_io_write(m->board, 0x600, 2, 0x0100);
	eoi(m, 0x39);
	assert_false(m->intr);
	m->now = 1000 * MS;
	assert_int_equal(board_io_read(m->board, 0x608, 4), 3579545);
	board_io_write(m->board, 0x604, 2, 0x2001);
	assert_int_equal(m->power_offs, 1);
}

static void test_resets(void **state)
{
	struct machine *m = *state;

	out8(m, 0x64, 0xfe);
	assert_int_equal(m->inits, 1);
	assert_string_equal(m->why, "INIT (keyboard controller)");
	out8(m, 0xcf9, 0x04);
	assert_int_equal(m->inits, 2);
	out8(m, 0x92, 0x01);
	assert_int_equal(m->inits, 3);
	assert_int_equal(m->resets, 0);
	out8(m, 0xcf9, 0x02);
	out8(m, 0xcf9, 0x06);
	assert_int_equal(m->resets, 1);
	assert_string_equal(m->why, "reset (port CF9h)");
	/* INIT leaves chips alone, but for A20, which goes on. */
	init_pics(m, 0xab);
	out8(m, 0x92, 0x00);
	assert_false(m->a20);
	board_cpu_init(m->board);
	assert_int_equal(in8(m, 0x21), 0xab);
	assert_true(m->a20);
	/* A reset board is as new: nothing pending, nothing armed, all masked. */
	init_pics(m, 0);
	out8(m, 0x4d1, 0x40);
	out8(m, 0x43, 0x34);
	out8(m, 0x40, 0);
	out8(m, 0x40, 0x10);
	board_key(m->board, KEY_A, true);
	board_fpu_error(m->board);
	assert_true(m->intr);
	board_reset(m->board);
	assert_false(m->intr);
	assert_int_equal(board_intr_ack(m->board), -1);
	assert_true(board_run_timers(m->board) == UINT64_MAX);
	assert_int_equal(in8(m, 0x21), 0xff);
	assert_int_equal(in8(m, 0xcf9), 0);
	assert_int_equal(in8(m, 0x4d0), 0);
	assert_int_equal(in8(m, 0x4d1), 0x0c); /* where PIRQA..D lead */
	assert_true(m->a20);
}

static void test_a20(void **state)
{
	struct machine *m = *state;

	out8(m, 0x64, 0xd1);
	out8(m, 0x60, 0xdd);
	assert_false(m->a20);
	out8(m, 0x92, 0x02);
	assert_true(m->a20);
	/* One bit: the last one who writes decides, and the other shows it. */
	out8(m, 0x64, 0xd0);
	assert_int_equal(in8(m, 0x60) & 0x02, 0x02);
	out8(m, 0x92, 0x00);
	assert_false(m->a20);
	out8(m, 0x64, 0xd0);
	assert_int_equal(in8(m, 0x60) & 0x02, 0);
	out8(m, 0x64, 0xdf);
	assert_true(m->a20);
	assert_int_equal(in8(m, 0x92), 0x02);
	out8(m, 0x64, 0xd1);
	out8(m, 0x60, 0xdd);
	assert_false(m->a20);
	assert_int_equal(in8(m, 0x92), 0x00);
	board_reset(m->board);
	assert_true(m->a20);
}

static void test_misc_ports(void **state)
{
	struct machine *m = *state;

	out8(m, 0x402, 'o');
	out8(m, 0xe9, 'k');
	assert_string_equal(m->debug, "ok");
	board_io_write(m->board, 0x501, 4, 42);
	assert_int_equal(m->exit_code, 42);
	init_pics(m, 0xdffb);
	board_fpu_error(m->board);
	assert_int_equal(board_intr_ack(m->board), 0x3d);
	out8(m, 0xf0, 0);
	eoi(m, 0x3d);
	assert_false(m->intr);
	/* PCI: what is there, and nothing else on the bus. */
	unsigned found = 0;
	for (u32 fn = 0; fn < 256; fn++) {
		board_io_write(m->board, 0xcf8, 4, 0x80000000 | fn << 8);
		found += board_io_read(m->board, 0xcfc, 2) != 0xffff;
	}
	assert_int_equal(found, 5);
	/* Every port can be touched in every width (only such that reset nothing are written). */
	for (u32 port = 0; port < 0x10000; port++)
		for (unsigned size = 1; size <= 4; size *= 2)
			board_io_read(m->board, (u16)port, size);
}

/* Whichever piece of memory is not there: an error, and nothing is kept. */
static void test_no_memory(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));
	unsigned n = 0;
	int err;

	(void)state;
	do {
		hostlib_fails_at = ++n;
		err = create(m);
		if (err)
			assert_int_equal(err, E_NOMEM);
		else
			board_destroy(m->board);
		gpmem_destroy(&m->mem);
	} while (err);
	hostlib_fails_at = 0;
	assert_true(n > pc_slot_count);
	free(m);
}

/* Whatever a guest writes, nothing breaks that the sanitizers could see. */
static void test_fuzz(void **state)
{
	struct machine *m = *state;
	u64 seed = 88172645463325252ull;

	for (unsigned i = 0; i < 300000; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;

		u16 port = (u16)(seed >> 8 & 1 ? seed >> 16 & 0x3ff : seed >> 16);
		unsigned size = 1u << (seed >> 40) % 3;

		if (seed & 1)
			board_io_write(m->board, port, size, (u32)(seed >> 32));
		else
			board_io_read(m->board, port, size);
		if (!(i & 63)) {
			m->now += seed >> 24 & 0xffffff;
			board_run_timers(m->board);
			for (unsigned k = 0; k < 20 && m->intr && board_intr_ack(m->board) >= 0;
			     k++)
				out8(m, 0x20, 0x20);
			board_key(m->board, (u8)(seed >> 50), seed >> 58 & 1);
			board_mouse(m->board, (s8)(seed >> 30), (s8)(seed >> 38), 0,
				    seed >> 60 & 7);
			board_serial_rx(m->board, seed >> 33 & 3, (u8)(seed >> 20));
		}
		if (!(i & 0x7fff))
			board_reset(m->board);
		m->debug_len = 0;
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_memory_and_tables),
		CASE(test_timer_tick),
		CASE(test_late_ticks),
		CASE(test_late_ticks_masked),
		CASE(test_serial),
		CASE(test_keyboard_and_mouse),
		CASE(test_rtc_and_cmos),
		CASE(test_acpi_power_off),
		CASE(test_resets),
		CASE(test_a20),
		CASE(test_misc_ports),
		CASE(test_fuzz),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("board", tests, NULL, NULL);
}
