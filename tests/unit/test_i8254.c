/* SPDX-License-Identifier: MIT */
/*
 * The 8254 against its data sheet: waveform and count of every mode, gates, latches, BCD, the
 * interrupt of channel 0 on time and late, and the two ways in which Linux calibrates against it.
 * Alone: make build/unit/test_i8254 && build/unit/test_i8254
 */
#include "emu/chip/i8254.h"
#include "tests/unit/pc_fixture.h"

struct machine {
	struct pc pc;
	struct i8254 pit;
};

static void to_tick(struct machine *m, u64 t)
{
	run_until(&m->pc, ticks_begin(t, I8254_HZ));
}

static void setup(struct machine *m)
{
	pc_init(&m->pc);
	pc_plug(&m->pc, &i8254_class, &m->pit);
	to_tick(m, 1000);
}

/* OUT of channel c, by read-back of its status. */
static bool out_of(struct machine *m, unsigned c)
{
	out8(&m->pc, 0x43, (u8)(0xe0 | 2 << c));
	return in8(&m->pc, (u16)(0x40 + c)) & 0x80;
}

static unsigned count_of(struct machine *m, unsigned c)
{
	unsigned low;

	out8(&m->pc, 0x43, (u8)(0xd0 | 2 << c));
	low = in8(&m->pc, (u16)(0x40 + c));
	return low | (unsigned)in8(&m->pc, (u16)(0x40 + c)) << 8;
}

static void program(struct machine *m, unsigned c, u8 mode, bool bcd, unsigned n)
{
	out8(&m->pc, 0x43, (u8)(c << 6 | 0x30u | (unsigned)mode << 1 | bcd));
	out8(&m->pc, (u16)(0x40 + c), (u8)n);
	out8(&m->pc, (u16)(0x40 + c), (u8)(n >> 8));
}

static void gate2(struct machine *m, bool on)
{
	out8(&m->pc, 0x61, on);
}

/*
 * Waveforms of channel 2 (the one with a gate). Programmed in tick 0; 'trigger' raises the gate in
 * tick 0 too, after the count was written, else it is up all the time. One character per tick: OUT
 * high '^' or low '_'; counts, where given, in the same ticks, -1 meaning not defined.
 */
static const struct {
	u8 mode;
	bool bcd, trigger;
	u16 n;
	const char *wave;
	int count[14];
} waves[] = {
	/* data sheet figures 15 to 20 */
	{ 0, false, false, 4, "_____^^^^^", { -1, 4, 3, 2, 1, 0, 0xffff, 0xfffe, 0xfffd, 0xfffc } },
	{ 1, false, true, 3, "^___^^^^", { -1, 3, 2, 1, 0, 0xffff, 0xfffe, 0xfffd } },
	{ 2, false, false, 3, "^^^_^^_^^_", { -1, 3, 2, 1, 3, 2, 1, 3, 2, 1 } },
	{ 2, false, true, 2, "^^_^_^_", { -1, 2, 1, 2, 1, 2, 1 } },
	{ 3, false, false, 4, "^^^__^^__^^", { -1, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2 } },
	{ 3, false, false, 5, "^^^^__^^^__^", { -1, 4, 2, 0, 4, 2, 4, 2, 0, 4, 2, 4 } },
	{ 4, false, false, 3, "^^^^_^^^^", { -1, 3, 2, 1, 0, 0xffff, 0xfffe, 0xfffd, 0xfffc } },
	{ 5, false, true, 3, "^^^^_^^^^", { -1, 3, 2, 1, 0, 0xffff, 0xfffe, 0xfffd, 0xfffc } },
	/* BCD: 0 is 10000, and what follows 0 is 9999 */
	{ 0,
	  true,
	  false,
	  0x0011,
	  "____________^^",
	  { -1, 0x11, 0x10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0x9999 } },
	{ 2, true, false, 0, "^^^^", { -1, 0, 0x9999, 0x9998 } },
	{ 0, false, false, 0, "____", { -1, 0, 0xffff, 0xfffe } },
	/* modes 6 and 7 are 2 and 3 */
	{ 6, false, false, 3, "^^^_^^_", { -1, 3, 2, 1, 3, 2, 1 } },
	{ 7, false, false, 4, "^^^__^^", { -1, 4, 2, 4, 2, 4, 2 } },
};

static void test_waveforms(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(waves); i++) {
		struct machine m;

		setup(&m);
		gate2(&m, !waves[i].trigger);
		program(&m, 2, waves[i].mode, waves[i].bcd, waves[i].n);
		gate2(&m, true);
		for (unsigned t = 0; waves[i].wave[t]; t++) {
			to_tick(&m, 1000 + t);
			if (out_of(&m, 2) != (waves[i].wave[t] == '^'))
				fail_msg("wave %u: OUT in tick %u", i, t);
			if (waves[i].count[t] >= 0 &&
			    count_of(&m, 2) != (unsigned)waves[i].count[t])
				fail_msg("wave %u: count in tick %u is %x", i, t, count_of(&m, 2));
			assert_int_equal(!!(in8(&m.pc, 0x61) & 0x20), waves[i].wave[t] == '^');
		}
	}
}

static void test_gate(void **state)
{
	struct machine m;

	(void)state;
	/* Mode 0: a low gate stops the count, OUT stays as it is. */
	setup(&m);
	gate2(&m, true);
	program(&m, 2, 0, false, 10);
	to_tick(&m, 1004);
	assert_int_equal(count_of(&m, 2), 7);
	gate2(&m, false);
	to_tick(&m, 1100);
	assert_int_equal(count_of(&m, 2), 7);
	assert_false(out_of(&m, 2));
	gate2(&m, true);
	to_tick(&m, 1106);
	assert_false(out_of(&m, 2));
	to_tick(&m, 1107);
	assert_true(out_of(&m, 2));

	/* Mode 0: written with the gate low, still loaded; N ticks from the gate on. */
	setup(&m);
	program(&m, 2, 0, false, 5);
	to_tick(&m, 1050);
	assert_int_equal(count_of(&m, 2), 5);
	gate2(&m, true);
	to_tick(&m, 1054);
	assert_false(out_of(&m, 2));
	to_tick(&m, 1055);
	assert_true(out_of(&m, 2));

	/* Mode 1: retriggered while low, the pulse is longer. A new count waits for the trigger. */
	setup(&m);
	program(&m, 2, 1, false, 6);
	assert_true(out_of(&m, 2));
	gate2(&m, true);
	to_tick(&m, 1005);
	assert_false(out_of(&m, 2));
	out8(&m.pc, 0x42, 3);
	out8(&m.pc, 0x42, 0);
	gate2(&m, false);
	to_tick(&m, 1006);
	assert_int_equal(count_of(&m, 2), 1);
	gate2(&m, true);
	to_tick(&m, 1009);
	assert_false(out_of(&m, 2));
	to_tick(&m, 1010);
	assert_true(out_of(&m, 2));

	/* Mode 2: a low gate sets OUT high at once, a rising one reloads. */
	setup(&m);
	gate2(&m, true);
	program(&m, 2, 2, false, 4);
	to_tick(&m, 1004);
	assert_false(out_of(&m, 2));
	gate2(&m, false);
	assert_true(out_of(&m, 2));
	to_tick(&m, 1010);
	gate2(&m, true);
	to_tick(&m, 1011);
	assert_int_equal(count_of(&m, 2), 4);
	to_tick(&m, 1014);
	assert_false(out_of(&m, 2));
}

/* A count written in modes 2 and 3 is taken over at the end of the (half) period; null count tells.
 */
static void test_new_count(void **state)
{
	struct machine m;

	(void)state;
	setup(&m);
	gate2(&m, true);
	program(&m, 2, 2, false, 10);
	to_tick(&m, 1003);
	out8(&m.pc, 0x42, 4);
	out8(&m.pc, 0x42, 0);
	out8(&m.pc, 0x43, 0xe8);
	assert_int_equal(in8(&m.pc, 0x42), 0x80 | 0x40 | 0x34);
	to_tick(&m, 1010);
	assert_int_equal(count_of(&m, 2), 1);
	to_tick(&m, 1011);
	assert_int_equal(count_of(&m, 2), 4);
	out8(&m.pc, 0x43, 0xe8);
	assert_int_equal(in8(&m.pc, 0x42), 0x80 | 0x34);
	to_tick(&m, 1015);
	assert_int_equal(count_of(&m, 2), 4);

	setup(&m); /* mode 3: high for 5, then low for 3, high for 3 */
	gate2(&m, true);
	program(&m, 2, 3, false, 10);
	to_tick(&m, 1003);
	out8(&m.pc, 0x42, 6);
	out8(&m.pc, 0x42, 0);
	static const char wave[] = "^^^^^^___^^^___";
	for (unsigned t = 3; wave[t]; t++) {
		to_tick(&m, 1000 + t);
		assert_int_equal(out_of(&m, 2), wave[t] == '^');
	}
	/* Mode 0: the first byte of two stops the count and lowers OUT. */
	setup(&m);
	gate2(&m, true);
	program(&m, 2, 0, false, 3);
	to_tick(&m, 1010);
	assert_true(out_of(&m, 2));
	out8(&m.pc, 0x42, 5);
	assert_false(out_of(&m, 2));
	to_tick(&m, 1020);
	out8(&m.pc, 0x42, 0);
	to_tick(&m, 1025);
	assert_false(out_of(&m, 2));
	to_tick(&m, 1026);
	assert_true(out_of(&m, 2));
}

static void test_latches(void **state)
{
	struct machine m;
	u8 low;

	(void)state;
	setup(&m);
	program(&m, 0, 2, false, 0x1234);
	to_tick(&m, 1001 + 0x34);
	out8(&m.pc, 0x43, 0x00);
	to_tick(&m, 1001 + 0x200);
	out8(&m.pc, 0x43, 0x00); /* the first one stands */
	low = in8(&m.pc, 0x40);
	to_tick(&m, 1001 + 0x300);
	assert_int_equal(in8(&m.pc, 0x40) << 8 | low, 0x1200);
	/* Unlatched: each byte is read from the running count. */
	assert_int_equal(in8(&m.pc, 0x40), 0x34);
	to_tick(&m, 1001 + 0x434);
	assert_int_equal(in8(&m.pc, 0x40), 0x0e);
	/* Read-back of count and status: status comes first. */
	out8(&m.pc, 0x43, 0xc2);
	assert_int_equal(in8(&m.pc, 0x40), 0x80 | 0x34);
	assert_int_equal(in8(&m.pc, 0x40), 0x00);
	assert_int_equal(in8(&m.pc, 0x40), 0x0e);
	/* One-byte access. */
	out8(&m.pc, 0x43, 0x24); /* channel 0, high byte only, mode 2 */
	out8(&m.pc, 0x40, 0x20);
	to_tick(&m, 3000);
	program(&m, 1, 2, false, 18);
	out8(&m.pc, 0x43, 0x54); /* channel 1, low byte only, mode 2 */
	out8(&m.pc, 0x41, 18);
	to_tick(&m, 3003);
	assert_int_equal(in8(&m.pc, 0x41), 16);
	assert_int_equal(in8(&m.pc, 0x41), 16);
	out8(&m.pc, 0x43, 0x40);
	to_tick(&m, 3005);
	assert_int_equal(in8(&m.pc, 0x41), 16);
	assert_int_equal(in8(&m.pc, 0x41), 14);
	assert_int_equal(in8(&m.pc, 0x43), 0xff);
}

static void test_interrupt(void **state)
{
	static const struct {
		u8 mode;
		u16 n;
		u64 first, second; /* ticks after programming at which the line rises; 0: never */
	} t[] = { { 0, 100, 101, 0 },
		  { 2, 11932, 11933, 2 * 11932 + 1 },
		  { 3, 11932, 11933, 2 * 11932 + 1 },
		  { 4, 100, 102, 0 },
		  { 1, 100, 0, 0 } };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct machine m;
		const struct wire *w = &m.pc.wire[0];
		unsigned before;

		setup(&m);
		program(&m, 0, t[i].mode, false, t[i].n);
		before = w->rises; /* OUT goes up at once but in mode 0 */
		assert_int_equal(before, t[i].mode != 0);
		if (t[i].first) {
			to_tick(&m, 1000 + t[i].first - 1);
			assert_int_equal(w->rises, before);
			to_tick(&m, 1000 + t[i].first);
			assert_int_equal(w->rises, before + 1);
			assert_true(w->level);
		}
		if (t[i].second) {
			to_tick(&m, 1000 + t[i].second - 1);
			assert_int_equal(w->rises, before + 1);
			to_tick(&m, 1000 + t[i].second);
			assert_int_equal(w->rises, before + 2);
		} else {
			to_tick(&m, 1000000);
			assert_int_equal(w->rises, before + (t[i].first != 0));
			assert_true(list_empty(&m.pc.timers.queue));
		}
	}
	/* 100 Hz for an hour: the exact number of ticks. */
	struct machine m;

	setup(&m);
	program(&m, 0, 2, false, 11932);
	to_tick(&m, 1001 + 360000ull * 11932);
	assert_int_equal(m.pc.wire[0].rises, 360000 + 1);
}

/* A controller that latches each tick until the machine takes it, or none. */
static unsigned taken;
static bool nobody_latches;

static bool waiting(void *ctx)
{
	return !nobody_latches && ((struct machine *)ctx)->pc.wire[0].rises > taken;
}

static void take(struct machine *m)
{
	taken = m->pc.wire[0].rises;
}

static void begin_taking(struct machine *m)
{
	setup(m);
	m->pit.waiting = waiting;
	m->pit.waiting_ctx = m;
	nobody_latches = false;
	take(m);
}

/* Ticks that were not given yet. */
static u64 late(const struct machine *m)
{
	return m->pit.late.owed + m->pit.late.held;
}

/* The machine was away: ticks are owed and paid one per interrupt finished; reading the count shows
 * no tick before it is given. */
static void test_late(void **state)
{
	struct machine m;
	const struct wire *w = &m.pc.wire[0];
	unsigned before;

	(void)state;
	begin_taking(&m);
	program(&m, 0, 2, false, 1000);
	take(&m);
	before = w->rises;
	m.pc.now = ticks_begin(1000 + 1 + 5 * 1000 + 10, I8254_HZ);
	vtimers_run(&m.pc.timers);
	assert_int_equal(w->rises, before + 1);
	assert_int_equal(m.pit.late.owed, 4);
	i8254_irq_done(&m.pit);
	assert_int_equal(w->rises, before + 1);
	/* Not at once, but eight times as fast as the period: handlers do not meet themselves. */
	take(&m);
	i8254_irq_done(&m.pit);
	assert_int_equal(w->rises, before + 1);
	for (unsigned i = 1; i <= 4; i++) {
		to_tick(&m, 6011 + i * 125 - 2);
		assert_int_equal(w->rises, before + i);
		to_tick(&m, 6011 + i * 125 + 2);
		assert_int_equal(w->rises, before + i + 1);
		take(&m);
		i8254_irq_done(&m.pit);
	}
	i8254_irq_done(&m.pit);
	assert_int_equal(w->rises, before + 5);
	assert_int_equal(m.pit.paid, 4);
	/* The next one is on time again. */
	to_tick(&m, 1001 + 6 * 1000);
	assert_int_equal(w->rises, before + 6);
	take(&m);
	/* A count read past the wrap brings its tick with it, timer or not. */
	m.pc.now = ticks_begin(1001 + 7 * 1000 + 1, I8254_HZ);
	assert_int_equal(count_of(&m, 0), 999);
	assert_int_equal(w->rises, before + 7);
	vtimers_run(&m.pc.timers);
	assert_int_equal(w->rises, before + 7);
	/* Programming forgives what is owed. */
	m.pc.now = ticks_begin(1001 + 17 * 1000, I8254_HZ);
	vtimers_run(&m.pc.timers);
	assert_int_equal(late(&m), 10);
	program(&m, 0, 2, false, 1000);
	assert_int_equal(late(&m), 0);
	/* Ten seconds at most. */
	m.pc.now += 1000 * 1000 * MS;
	vtimers_run(&m.pc.timers);
	assert_int_equal(late(&m), 10 * I8254_HZ / 1000);
}

/* The guest is run, and lets ticks of 1 ms wait: late for a moment it gets them all, longer it has
 * lost them. The machine was away in between: these are owed. */
static void test_held(void **state)
{
	static const struct {
		unsigned ms, away_ms, owed;
	} cases[] = { { 1, 0, 0 },   { 20, 0, 19 }, { 26, 0, 25 }, { 27, 0, 0 },
		      { 500, 0, 0 }, { 10, 7, 16 }, { 500, 7, 7 } };
	struct machine m;

	(void)state;
	begin_taking(&m);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		program(&m, 0, 2, false, 1193);
		take(&m);
		unsigned before = m.pc.wire[0].rises;
		u64 ms = ticks_begin(1193, I8254_HZ), start = m.pc.now + ms / 2;

		for (unsigned n = 1; n <= cases[i].ms; n++) {
			m.pc.now = start + n * ms;
			vtimers_run(&m.pc.timers);
		}
		wait_for_turn(&m.pc, cases[i].away_ms * ms);
		vtimers_run(&m.pc.timers);
		assert_int_equal(m.pc.wire[0].rises, before + 1);
		take(&m);
		i8254_irq_done(&m.pit);
		assert_int_equal(m.pit.late.owed + m.pc.wire[0].rises - before - 1, cases[i].owed);
		assert_int_equal(m.pit.late.held, 0);
	}
}

/* The guest gets a quarter of the machine in each tick of 10 ms, and lets them wait: by its own
 * time it is late for a moment, or for so long that a board would lose a quarter of them. */
static void test_held_share(void **state)
{
	static const struct {
		unsigned ticks, owed;
	} cases[] = { { 2, 1 }, { 9, 8 }, { 21, 15 }, { 101, 75 } };
	struct machine m;

	(void)state;
	begin_taking(&m);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 tick = ticks_begin(11932, I8254_HZ);

		program(&m, 0, 2, false, 11932);
		take(&m);
		unsigned before = m.pc.wire[0].rises;
		run_for(&m.pc, tick / 2);
		for (unsigned n = 1; n <= cases[i].ticks; n++) {
			wait_for_turn(&m.pc, tick - tick / 4);
			run_for(&m.pc, tick / 4);
			vtimers_run(&m.pc.timers);
		}
		take(&m);
		i8254_irq_done(&m.pit);
		assert_int_equal(late(&m) + m.pc.wire[0].rises - before - 1, cases[i].owed);
	}
}

/* Ticks that no controller takes in are lost, and are not made up for. */
static void test_lost(void **state)
{
	struct machine m;
	unsigned before;

	(void)state;
	begin_taking(&m);
	nobody_latches = true;
	program(&m, 0, 2, false, 2);
	before = m.pc.wire[0].rises;
	for (unsigned i = 1; i <= 3; i++) {
		m.pc.now += 1000 * MS;
		assert_true(vtimers_run(&m.pc.timers) > m.pc.now);
		assert_int_equal(m.pc.wire[0].rises, before + i);
		assert_int_equal(m.pit.late.owed, 0);
	}
	/* Owed while somebody took them; then nobody does. */
	nobody_latches = false;
	take(&m);
	m.pc.now += 1000 * MS;
	vtimers_run(&m.pc.timers);
	assert_in_range(m.pit.late.owed, 596000, 597000);
	nobody_latches = true;
	i8254_irq_done(&m.pit);
	assert_int_equal(m.pit.late.owed, 0);
	assert_int_equal(m.pc.wire[0].rises, before + 5);
}

/* The shortest periods come in batches: the timer does not fire more often than every 100 us. */
static void test_fast(void **state)
{
	struct machine m;
	unsigned runs = 0;

	(void)state;
	begin_taking(&m);
	program(&m, 0, 2, false, 1);
	take(&m);
	u64 end = m.pc.now + 10 * MS;
	while (m.pc.now < end) {
		m.pc.now = MAX(vtimers_run(&m.pc.timers), m.pc.now);
		do {
			take(&m);
			i8254_irq_done(&m.pit);
		} while (m.pit.late.owed);
		runs++;
	}
	assert_in_range(runs, 90, 110);
	assert_in_range(m.pit.ticks, 5900, 6100); /* count 1 is 2: 10 ms of 596,591 Hz */
}

/* Linux, pit_calibrate_tsc(): mode 0, OUT by port 61h after 50 ms. */
static void test_linux_calibration(void **state)
{
	struct machine m;
	u64 start;

	(void)state;
	setup(&m);
	out8(&m.pc, 0x61, (u8)((in8(&m.pc, 0x61) & ~2) | 1));
	out8(&m.pc, 0x43, 0xb0);
	out8(&m.pc, 0x42, (u8)(I8254_HZ / 20));
	out8(&m.pc, 0x42, (u8)(I8254_HZ / 20 >> 8));
	start = m.pc.now;
	while (!(in8(&m.pc, 0x61) & 0x20))
		m.pc.now += 700;
	assert_in_range(m.pc.now - start, 50 * MS - 2 * US, 50 * MS + 2 * US);

	/* quick_pit_calibrate(): count down from FFFFh, the high byte read unlatched falls by one
	 * each 256 ticks. */
	out8(&m.pc, 0x43, 0xb0);
	out8(&m.pc, 0x42, 0xff);
	out8(&m.pc, 0x42, 0xff);
	start = m.pc.now + ticks_begin(1, I8254_HZ);
	for (unsigned expect = 0xff; expect > 0xe0; expect--) {
		u64 changed;

		do {
			m.pc.now += 1100;
			in8(&m.pc, 0x42);
		} while (in8(&m.pc, 0x42) == expect);
		changed = m.pc.now - start;
		assert_in_range(changed, ticks_begin((0x100 - expect) * 256, I8254_HZ) - 2 * US,
				ticks_begin((0x100 - expect) * 256, I8254_HZ) + 2 * US);
	}
}

static void test_port61(void **state)
{
	struct machine m;
	unsigned toggles = 0;
	u8 last;

	(void)state;
	setup(&m);
	out8(&m.pc, 0x61, 0xff);
	assert_int_equal(in8(&m.pc, 0x61) & 0xcf, 0x0f);
	last = in8(&m.pc, 0x61);
	for (unsigned i = 0; i < 10000; i++) {
		u8 now;

		m.pc.now += US;
		now = in8(&m.pc, 0x61);
		toggles += (now ^ last) >> 4 & 1;
		last = now;
	}
	assert_in_range(toggles, 661, 665); /* one per 15.085 us */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waveforms),
		cmocka_unit_test(test_gate),
		cmocka_unit_test(test_new_count),
		cmocka_unit_test(test_latches),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_held_share),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_fast),
		cmocka_unit_test(test_linux_calibration),
		cmocka_unit_test(test_port61),
	};

	return cmocka_run_group_tests_name("i8254", tests, NULL, NULL);
}
