/* SPDX-License-Identifier: MIT */
/*
 * The MC146818 against its data sheet: calendar and encodings, SET, UIP timing, divider reset,
 * periodic, alarm and update interrupts, owed interrupts, and a clock that goes on while the VM is
 * paused. Alone: make build/unit/test_mc146818 && build/unit/test_mc146818
 */
#include "emu/chip/mc146818.h"
#include "tests/unit/pc_fixture.h"
#include "tests/unit/random.h"

#define SECOND 1000000000ull

struct machine {
	struct pc pc;
	struct mc146818 rtc;
	u64 wall_start, wall_paused; /* s; ns that the VM stood still */
};

static u64 wall(void *ctx)
{
	struct machine *m = ctx;

	return m->wall_start + (m->pc.now + m->wall_paused) / SECOND;
}

static void setup(struct machine *m, u64 wall_start)
{
	pc_init(&m->pc);
	m->wall_start = wall_start;
	m->wall_paused = 0;
	m->pc.host.wall_clock = wall;
	m->pc.host.ctx = m;
	pc_plug(&m->pc, &mc146818_class, &m->rtc);
}

static u8 get(struct machine *m, u8 i)
{
	out8(&m->pc, 0x70, i);
	return in8(&m->pc, 0x71);
}

static void put(struct machine *m, u8 i, u8 v)
{
	out8(&m->pc, 0x70, i);
	out8(&m->pc, 0x71, v);
}

/* Register order in the tables: century, year, month, day, day of week, hour, minute, second. */
static const u8 order[8] = { 0x32, 9, 8, 7, 6, 4, 2, 0 };

static void expect_time(struct machine *m, const u8 want[8], const char *what)
{
	for (unsigned i = 0; i < 8; i++)
		if (get(m, order[i]) != want[i])
			fail_msg("%s: register %02x is %02x, want %02x", what, order[i],
				 get(m, order[i]), want[i]);
}

static const struct {
	u64 wall;
	u8 b;
	u8 want[8];
} times[] = {
	{ 0, 0x02, { 0x19, 0x70, 0x01, 0x01, 5, 0x00, 0x00, 0x00 } },
	{ 951868799, 0x02, { 0x20, 0x00, 0x02, 0x29, 3, 0x23, 0x59, 0x59 } },
	{ 951868800, 0x02, { 0x20, 0x00, 0x03, 0x01, 4, 0x00, 0x00, 0x00 } },
	{ 1709208000, 0x02, { 0x20, 0x24, 0x02, 0x29, 5, 0x12, 0x00, 0x00 } },
	{ 4107542399, 0x02, { 0x21, 0x00, 0x02, 0x28, 1, 0x23, 0x59, 0x59 } },
	{ 4107542400, 0x02, { 0x21, 0x00, 0x03, 0x01, 2, 0x00, 0x00, 0x00 } },
	{ 1709208000, 0x06, { 20, 24, 2, 29, 5, 12, 0, 0 } },
	{ 1709208000, 0x00, { 0x20, 0x24, 0x02, 0x29, 5, 0x92, 0x00, 0x00 } }, /* 12 PM */
	{ 1709208000 - 3600 * 12,
	  0x00,
	  { 0x20, 0x24, 0x02, 0x29, 5, 0x12, 0x00, 0x00 } },		    /* 12 AM */
	{ 1709208000 + 3600 * 11, 0x04, { 20, 24, 2, 29, 5, 0x8b, 0, 0 } }, /* 11 PM, binary */
};

static void test_calendar(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(times); i++) {
		struct machine m;
		char what[32];

		snprintf(what, sizeof(what), "time %u", i);
		setup(&m, times[i].wall);
		put(&m, 0x0b, times[i].b);
		expect_time(&m, times[i].want, what);
		/* Written back from the registers, it is the same time; and it goes on from there.
		 */
		setup(&m, 12345);
		put(&m, 0x0b, times[i].b | 0x80);
		for (unsigned k = 0; k < 8; k++)
			put(&m, order[k], times[i].want[k]);
		put(&m, 0x0b, times[i].b);
		expect_time(&m, times[i].want, what);
		run_for(&m.pc, 86400 * SECOND);
		run_for(&m.pc, 0);
		assert_int_equal(m.rtc.epoch_time + (s64)(m.pc.now / SECOND),
				 times[i].wall + 86400);
	}
}

static void test_set_and_day_of_week(void **state)
{
	static const u8 frozen[8] = { 0x20, 0x24, 0x02, 0x29, 5, 0x12, 0x00, 0x05 };
	static const u8 later[8] = { 0x20, 0x24, 0x02, 0x29, 7, 0x12, 0x00, 0x08 };
	struct machine m;

	(void)state;
	setup(&m, 1709208000);
	run_for(&m.pc, 5 * SECOND + 700 * MS);
	put(&m, 0x0b, 0x82 | 0x10); /* SET clears UIE */
	assert_int_equal(get(&m, 0x0b), 0x82);
	run_for(&m.pc, 100 * SECOND);
	expect_time(&m, frozen, "frozen");
	assert_int_equal(get(&m, 0x0a) & 0x80, 0);
	put(&m, 6, 7); /* whatever the guest takes the day for, it stays so */
	put(&m, 0x0b, 0x02);
	/* The divider went on: the next second is due 300 ms later. */
	run_for(&m.pc, 299 * MS);
	assert_int_equal(get(&m, 0), 0x05);
	run_for(&m.pc, 2 * MS);
	assert_int_equal(get(&m, 0), 0x06);
	run_for(&m.pc, 2 * SECOND);
	expect_time(&m, later, "later");
	run_for(&m.pc, 86400 * SECOND);
	assert_int_equal(get(&m, 6), 1);
	/* A register written without SET takes effect at once. */
	put(&m, 0, 0x55);
	assert_int_equal(get(&m, 0), 0x55);
	run_for(&m.pc, 6 * SECOND);
	assert_int_equal(get(&m, 0), 0x01);
	assert_int_equal(get(&m, 2), 0x01);
}

static void test_uip(void **state)
{
	struct machine m;

	(void)state;
	setup(&m, 1709208000);
	run_until(&m.pc, SECOND - 2228 * US - 1);
	assert_int_equal(get(&m, 0x0a), 0x26);
	run_for(&m.pc, 1);
	assert_int_equal(get(&m, 0x0a), 0xa6);
	assert_int_equal(get(&m, 0), 0x00);
	run_until(&m.pc, SECOND - 1);
	assert_int_equal(get(&m, 0x0a), 0xa6);
	assert_int_equal(get(&m, 0x0c), 0x40); /* the periodic flag alone */
	run_until(&m.pc, SECOND);
	assert_int_equal(get(&m, 0x0a), 0x26);
	assert_int_equal(get(&m, 0), 0x01);
	assert_int_equal(get(&m, 0x0c) & 0x10, 0x10); /* the update ended, interrupt or not */
	put(&m, 0x0a, 0xa6);			      /* UIP cannot be written */
	assert_int_equal(get(&m, 0x0a), 0x26);
}

/* Linux's mc146818_set_time(): SET, divider reset, registers, SET off, divider on: the next second
 * comes after 500 ms. */
static void test_divider_reset(void **state)
{
	struct machine m;

	(void)state;
	setup(&m, 1709208000);
	run_for(&m.pc, 3 * SECOND + 123 * MS);
	put(&m, 0x0b, 0x82);
	put(&m, 0x0a, 0x76);
	put(&m, 0, 0x30);
	put(&m, 0x0b, 0x02);
	run_for(&m.pc, 20 * SECOND);
	assert_int_equal(get(&m, 0), 0x30);
	assert_int_equal(get(&m, 0x0a), 0x76);
	put(&m, 0x0a, 0x26);
	run_for(&m.pc, 499 * MS);
	assert_int_equal(get(&m, 0), 0x30);
	assert_int_equal(get(&m, 0x0a), 0xa6);
	run_for(&m.pc, 1 * MS);
	assert_int_equal(get(&m, 0), 0x31);
	run_for(&m.pc, SECOND);
	assert_int_equal(get(&m, 0), 0x32);
}

static void test_update_interrupt(void **state)
{
	struct machine m;
	const struct wire *w = &m.pc.wire[8];

	(void)state;
	setup(&m, 1709208000);
	run_for(&m.pc, 300 * MS);
	put(&m, 0x0a, 0x20); /* no periodic flag */
	get(&m, 0x0c);
	put(&m, 0x0b, 0x12);
	run_until(&m.pc, SECOND - 1);
	assert_false(w->level);
	run_until(&m.pc, SECOND);
	assert_true(w->level);
	run_until(&m.pc, 3 * SECOND);
	assert_int_equal(w->rises, 1);
	assert_int_equal(get(&m, 0x0c), 0x90);
	assert_false(w->level);
	assert_int_equal(get(&m, 0x0c), 0);
	run_until(&m.pc, 4 * SECOND);
	assert_int_equal(w->rises, 2);
	mc146818_class.reset(&m.rtc);
	assert_false(w->level);
	assert_int_equal(get(&m, 0x0b), 0x02);
	assert_int_equal(get(&m, 0x0c), 0);
	/* A flag that is up when its interrupt is enabled makes one at once. */
	run_until(&m.pc, 5 * SECOND);
	put(&m, 0x0b, 0x12);
	assert_true(w->level);
}

static const struct {
	u8 b, hour, minute, second;
	u64 expect; /* seconds after 2024-02-29 12:00:00; 0: never within two days */
} alarms[] = {
	{ 0x02, 0x12, 0x00, 0x30, 30 },	   { 0x02, 0x12, 0x01, 0x00, 60 },
	{ 0x02, 0xff, 0xff, 0xff, 1 },	   { 0x02, 0xc0, 0xc0, 0x10, 10 },
	{ 0x02, 0xff, 0x30, 0x00, 1800 },  { 0x02, 0x11, 0x59, 0x59, 86399 },
	{ 0x02, 0x12, 0x00, 0x00, 86400 }, { 0x02, 0x25, 0x00, 0x00, 0 },
	{ 0x02, 0x12, 0x3a, 0x00, 0 },	   { 0x00, 0x81, 0x00, 0x00, 3600 },
	{ 0x00, 0x01, 0x00, 0x00, 46800 }, { 0x06, 13, 0, 0, 3600 },
	{ 0x06, 0xff, 0xff, 59, 59 },
};

/* As the chip does it: second by second, the encoded time against the registers. 0: not within a
 * day. */
static u64 alarm_by_search(struct machine *m, u64 wall)
{
	static const u8 alarm[3] = { 5, 3, 1 };
	bool binary = m->rtc.reg[0x0b] & 4, h24 = m->rtc.reg[0x0b] & 2;

	for (u64 t = wall + 1; t <= wall + 86400; t++) {
		unsigned v[3] = { (unsigned)(t / 3600 % 24), (unsigned)(t / 60 % 60),
				  (unsigned)(t % 60) };
		bool pm = !h24 && v[0] >= 12, match = true;

		if (!h24)
			v[0] = v[0] % 12 ? v[0] % 12 : 12;
		for (unsigned i = 0; i < 3; i++) {
			u8 want = m->rtc.reg[alarm[i]];
			u8 bits = (u8)(binary ? v[i] : v[i] / 10 << 4 | v[i] % 10);

			match &= want >= 0xc0 || want == (bits | (!i && pm ? 0x80 : 0));
		}
		if (match)
			return t;
	}
	return 0;
}

/* Registers and times of all kinds: the timer is set for the second that a search finds. */
static void test_alarm_search(void **state)
{
	unsigned never = 0;

	(void)state;
	random_state = 1;
	for (unsigned i = 0; i < 2000; i++) {
		u64 wall = 1700000000 + rnd() % 10000000;
		struct machine m;
		u64 want;

		setup(&m, wall);
		put(&m, 0x0b, (u8)(rnd() & 6));
		for (u8 a = 1; a <= 5; a = (u8)(a + 2)) {
			u8 v = (u8)(rnd() % (a == 5 ? 24 : 60));

			if (!(m.rtc.reg[0x0b] & 4))
				v = (u8)(v / 10 << 4 | v % 10);
			if (one_in(3))
				v = one_in(2) ? 0xff : (u8)rnd();
			put(&m, a, v);
		}
		put(&m, 0x0b, m.rtc.reg[0x0b] | 0x20);
		want = alarm_by_search(&m, wall);
		never += !want;
		assert_int_equal(vtimer_armed(&m.rtc.timer), want != 0);
		if (want)
			assert_int_equal(m.rtc.timer.deadline, (want - wall) * SECOND);
	}
	assert_in_range(never, 100, 1900);
}

static void test_alarm(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(alarms); i++) {
		struct machine m;
		const struct wire *w = &m.pc.wire[8];

		setup(&m, 1709208000);
		put(&m, 5, alarms[i].hour);
		put(&m, 3, alarms[i].minute);
		put(&m, 1, alarms[i].second);
		put(&m, 0x0a, 0x20);
		get(&m, 0x0c);
		put(&m, 0x0b, alarms[i].b | 0x20);
		if (!alarms[i].expect) {
			run_until(&m.pc, 2 * 86400 * SECOND);
			assert_int_equal(w->rises, 0);
			continue;
		}
		run_until(&m.pc, alarms[i].expect * SECOND - 1);
		if (w->level)
			fail_msg("alarm %u came early", i);
		run_for(&m.pc, 1);
		if (!w->level)
			fail_msg("alarm %u did not come", i);
		assert_int_equal(get(&m, 0x0c), 0xb0);
		/* Without the interrupt the flag still comes, found out late. */
		put(&m, 0x0b, alarms[i].b);
		run_for(&m.pc, 86401 * SECOND);
		assert_int_equal(get(&m, 0x0c), 0x30);
	}
}

static void test_periodic(void **state)
{
	static const struct {
		u8 rate;
		unsigned hz;
	} t[] = {
		{ 1, 256 }, { 2, 128 }, { 3, 8192 }, { 6, 1024 }, { 10, 64 }, { 15, 2 }, { 0, 0 }
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		struct machine m;
		unsigned served = 0;

		setup(&m, 1709208000);
		put(&m, 0x0a, 0x20 | t[i].rate);
		get(&m, 0x0c);
		put(&m, 0x0b, 0x42);
		for (u64 end = 10 * SECOND; m.pc.now < end;) {
			u64 next = vtimers_run(&m.pc.timers);

			if (m.pc.wire[8].level) {
				assert_int_equal(get(&m, 0x0c) & 0xc0, 0xc0);
				served++;
				next = vtimers_run(&m.pc.timers);
			}
			m.pc.now = MIN(next, end);
		}
		vtimers_run(&m.pc.timers);
		served += m.pc.wire[8].level;
		assert_int_equal(served, 10 * t[i].hz);
	}
}

/* A guest that was away for 50 ms at 1024 Hz gets its 51 interrupts, at no more than four times the
 * rate. */
static void test_periodic_late(void **state)
{
	struct machine m;
	unsigned served = 0;
	u64 last = 0;

	(void)state;
	setup(&m, 1709208000);
	put(&m, 0x0b, 0x42);
	get(&m, 0x0c);
	m.pc.now = 50 * MS;
	while (m.pc.now < 200 * MS) {
		u64 next = vtimers_run(&m.pc.timers);

		if (m.pc.wire[8].level) {
			if (served && m.pc.now - last < 240 * US)
				fail_msg("%llu after %llu", (unsigned long long)m.pc.now,
					 (unsigned long long)last);
			last = m.pc.now;
			served++;
			get(&m, 0x0c);
			next = vtimers_run(&m.pc.timers);
		}
		m.pc.now = MAX(next, m.pc.now);
	}
	assert_in_range(served, 203, 205);
	/* Ten seconds' worth at most. */
	wait_for_turn(&m.pc, 100 * SECOND);
	vtimers_run(&m.pc.timers);
	get(&m, 0x0c);
	assert_int_equal(m.rtc.late.owed, 10 * 1024 - 2);
	put(&m, 0x0b, 0x02);
	assert_int_equal(m.rtc.late.owed, 0);
}

/* PF stays set while pulses come. What the guest left unread for a moment is made up for; behind a
 * longer time only what it waited for its turns. Pulses come at 512 Hz: 5 in 10 ms. */
static void test_periodic_held(void **state)
{
	static const struct {
		unsigned ms, away_ms, owed;
	} cases[] = { { 10, 0, 5 },	 { 20, 0, 10 },	    { 30, 0, 0 },    { 1000, 0, 0 },
		      { 10, 1000, 517 }, { 30, 1000, 512 }, { 100000, 0, 0 } };
	struct machine m;

	(void)state;
	setup(&m, 1709208000);
	put(&m, 0x0a, 0x27);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		put(&m, 0x0b, 0x02);
		run_until(&m.pc, (m.pc.now / SECOND + 1) * SECOND);
		get(&m, 0x0c);
		put(&m, 0x0b, 0x42);
		run_for(&m.pc, SECOND / 512 + 10 * US);
		assert_true(m.pc.wire[8].level);
		run_for(&m.pc, cases[i].ms * MS);
		wait_for_turn(&m.pc, cases[i].away_ms * MS);
		assert_int_equal(get(&m, 0x0c) & 0xc0, 0xc0);
		assert_int_equal(m.rtc.late.owed, cases[i].owed);
		assert_int_equal(m.rtc.late.held, 0);
	}
}

static void test_pause(void **state)
{
	static const u8 want[8] = { 0x20, 0x24, 0x02, 0x29, 5, 0x13, 0x00, 0x02 };
	struct machine m;

	(void)state;
	setup(&m, 1709208000);
	run_for(&m.pc, SECOND);
	get(&m, 0);
	m.wall_paused = 3600 * SECOND;
	run_for(&m.pc, SECOND + 1);
	expect_time(&m, want, "after an hour's pause");
	m.wall_start -= 1000; /* a wall clock that is set back changes nothing */
	run_for(&m.pc, SECOND);
	assert_int_equal(get(&m, 0), 0x03);
}

static void test_memory(void **state)
{
	struct machine m;
	unsigned sum = 0;

	(void)state;
	setup(&m, 0);
	for (u8 i = 0x0e; i < 0x80; i++)
		if (i != 0x32)
			put(&m, i, (u8)(i ^ 0x55));
	mc146818_class.reset(&m.rtc);
	for (u8 i = 0x0e; i < 0x80; i++)
		if (i != 0x32)
			assert_int_equal(get(&m, i), i ^ 0x55);
	assert_int_equal(get(&m, 0x0d), 0x80);
	put(&m, 0x0d, 0);
	assert_int_equal(get(&m, 0x0d), 0x80);
	out8(&m.pc, 0x70, 0x80 | 0x20);
	assert_true(m.rtc.nmi_masked);
	assert_int_equal(in8(&m.pc, 0x71), 0x75);
	assert_int_equal(in8(&m.pc, 0x70), 0xff);
	mc146818_set_cmos(&m.rtc, 0x17, 0xab);
	for (u8 i = 0x10; i <= 0x2d; i++)
		sum += get(&m, i);
	assert_int_equal(get(&m, 0x2e) << 8 | get(&m, 0x2f), sum);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_set_and_day_of_week),
		cmocka_unit_test(test_uip),
		cmocka_unit_test(test_divider_reset),
		cmocka_unit_test(test_update_interrupt),
		cmocka_unit_test(test_alarm),
		cmocka_unit_test(test_alarm_search),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_periodic_late),
		cmocka_unit_test(test_periodic_held),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests_name("mc146818", tests, NULL, NULL);
}
