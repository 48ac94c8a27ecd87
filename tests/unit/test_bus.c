/* SPDX-License-Identifier: MIT */
/*
 * The port bus (claims up to their limit, splitting, no memory) and the timer queue.
 * Alone: make build/unit/test_bus && build/unit/test_bus
 */
#include "kernel/base/error.h"
#include "tests/host/hostlib.h"
#include "tests/unit/pc_fixture.h"

struct recorder {
	u32 value;
	unsigned reads, writes;
	u16 offset;
	unsigned size;
};

static u32 rec_read(void *dev, u16 offset, unsigned size)
{
	struct recorder *r = dev;

	r->reads++;
	r->offset = offset;
	r->size = size;
	return 0xa0b0c0d0u + offset;
}

static void rec_write(void *dev, u16 offset, unsigned size, u32 value)
{
	struct recorder *r = dev;

	r->writes++;
	r->offset = offset;
	r->size = size;
	r->value = value;
}

static const struct bus_ports wide = { rec_read, rec_write, 0 };
static const struct bus_ports narrow = { rec_read, rec_write, 1 };

static void test_claims(void **state)
{
	static const struct {
		u16 first, count;
		int result;
	} t[] = {
		{ 0x100, 0x10, 0 },	 { 0x100, 0x10, E_INVAL }, { 0x10f, 1, E_INVAL },
		{ 0xf0, 0x11, E_INVAL }, { 0xf0, 0x10, 0 },	   { 0x110, 4, 0 },
		{ 0x80, 0, E_INVAL },	 { 0xfffe, 3, E_INVAL },   { 0xfffc, 4, 0 },
		{ 0x7fe, 4, 0 },
	};
	struct pc p;
	struct recorder r = { 0 };

	(void)state;
	pc_init(&p);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(bus_claim(&p.bus, t[i].first, t[i].count, &wide, &r, "x"),
				 t[i].result);
	/* On both sides of the end of a leaf, and at the end of port space. */
	for (u32 port = 0x7fe; port < 0x802; port++)
		assert_int_equal(in8(&p, (u16)port), 0xd0 + port - 0x7fe);
	assert_int_equal(in8(&p, 0x7fd), 0xff);
	assert_int_equal(in8(&p, 0x802), 0xff);
	assert_int_equal(in32(&p, 0xfffc), 0xa0b0c0d0);
	bus_release(&p.bus, 0x100);
	assert_int_equal(in8(&p, 0x100), 0xff);
	assert_int_equal(in8(&p, 0x110), 0xd0);
	assert_int_equal(bus_claim(&p.bus, 0x100, 0x10, &wide, &r, "x"), 0);
}

/* As many claims as there are, in any order, some given back; each port knows its own. */
static void test_many(void **state)
{
	static struct recorder r[0x10000];
	const u16 last = (u16)(0xffffu * 0x9e35); /* the port that finds no claim left */
	struct pc p;

	(void)state;
	pc_init(&p);
	for (u32 n = 0; n < 0xffff; n++) {
		u16 port = (u16)(n * 0x9e35); /* odd: visits each port once */

		assert_int_equal(bus_claim(&p.bus, port, 1, &wide, &r[port], "x"), 0);
	}
	assert_int_equal(bus_claim(&p.bus, last, 1, &wide, r, "x"), E_FULL);
	for (u32 n = 0; n < 0x10000; n += 3)
		bus_release(&p.bus, (u16)n);
	for (u32 n = 0; n < 0x10000; n++)
		in8(&p, (u16)n);
	for (u32 n = 0; n < 0x10000; n++)
		assert_int_equal(r[n].reads, n % 3 && n != last);
	for (u32 n = 0; n < 0x10000; n += 3)
		if (n != last)
			assert_int_equal(bus_claim(&p.bus, (u16)n, 1, &wide, &r[n], "x"), 0);
	out8(&p, 0x300, 1);
	assert_int_equal(r[0x300].writes, 1);
	bus_destroy(&p.bus);
}

/* No memory for one more: an error, and all that was there still answers. */
static void test_no_memory(void **state)
{
	struct recorder r = { 0 };
	struct pc p;
	unsigned failed = 0;

	(void)state;
	pc_init(&p);
	for (u32 n = 0; n < 1024; n++) {
		u16 port = (u16)(n * 63);

		hostlib_fails_at = 1;
		if (bus_claim(&p.bus, port, 2, &wide, &r, "x") == E_NOMEM) {
			failed++;
			assert_int_equal(in8(&p, port), 0xff);
			hostlib_fails_at = 0;
			assert_int_equal(bus_claim(&p.bus, port, 2, &wide, &r, "x"), 0);
		}
		hostlib_fails_at = 0;
		assert_int_equal(in8(&p, 0), 0xd0);
		assert_int_equal(in8(&p, port + 1), 0xd1);
		assert_int_equal(in8(&p, port + 2), 0xff);
	}
	assert_in_range(failed, 2, 20);
	bus_destroy(&p.bus);
}

static void test_accesses(void **state)
{
	struct recorder r = { 0 }, other = { 0 };
	struct pc p;
	u64 reads, writes;

	(void)state;
	pc_init(&p);
	bus_claim(&p.bus, 0x10, 4, &wide, &r, "x");
	bus_claim(&p.bus, 0x14, 4, &wide, &other, "x");
	bus_claim(&p.bus, 0x2000, 4, &narrow, &r, "x");
	in32(&p, 0x10);
	in8(&p, 0x14);
	out32(&p, 0x2000, 0);
	bus_accesses(&p.bus, &r, &reads, &writes);
	assert_int_equal(reads, 1);
	assert_int_equal(writes, 4);
}

static void test_splitting(void **state)
{
	struct pc p;
	struct recorder w = { 0 }, n = { 0 };

	(void)state;
	pc_init(&p);
	bus_claim(&p.bus, 0x10, 4, &wide, &w, "wide");
	bus_claim(&p.bus, 0x14, 2, &narrow, &n, "narrow");

	out32(&p, 0x10, 0x11223344);
	assert_int_equal(w.writes, 1);
	assert_int_equal(w.value, 0x11223344);
	/* Half in one claim, half in the other: two bytes each. */
	out32(&p, 0x12, 0x11223344);
	assert_int_equal(w.value, 0x3344);
	assert_int_equal(w.size, 2);
	assert_int_equal(n.writes, 2);
	assert_int_equal(n.value, 0x11);
	assert_int_equal(n.offset, 1);
	/* What nobody answers reads ones. */
	assert_int_equal(in32(&p, 0x14), 0xffffd1d0);
	assert_int_equal(in32(&p, 0x200), 0xffffffff);
	assert_int_equal(p.bus.unclaimed, 2 + 4);
	/* A narrow value is never seen with garbage above it. */
	out8(&p, 0x10, 0x7f);
	assert_int_equal(w.value, 0x7f);
	assert_int_equal(in8(&p, 0x10), 0xd0);
}

static unsigned fired[4], order;
static struct pc *timer_pc;
static struct vtimer timer[4];

static void fire(void *ctx, u64 now)
{
	unsigned i = (unsigned)(uintptr_t)ctx;

	fired[i] = ++order;
	assert_true(now >= timer[i].deadline);
	if (i == 3) /* arms itself again, in the past: must not keep the loop */
		vtimer_arm(&timer_pc->timers, &timer[3], now + 1);
}

static u64 told;
static unsigned tellings;

static void rearm(void *ctx, u64 deadline)
{
	(void)ctx;
	told = deadline;
	tellings++;
}

static void test_timers(void **state)
{
	struct pc p;

	(void)state;
	pc_init(&p);
	timer_pc = &p;
	p.timers.rearm = rearm;
	for (unsigned i = 0; i < 4; i++)
		vtimer_init(&timer[i], fire, (void *)(uintptr_t)i);
	vtimer_arm(&p.timers, &timer[0], 300);
	assert_int_equal(told, 300);
	vtimer_arm(&p.timers, &timer[1], 100);
	assert_int_equal(told, 100);
	vtimer_arm(&p.timers, &timer[2], 300); /* same time: after timer 0 */
	assert_int_equal(tellings, 2);
	vtimer_arm(&p.timers, &timer[1], 400); /* moved */
	assert_int_equal(told, 300);
	p.now = 299;
	assert_int_equal(vtimers_run(&p.timers), 300);
	assert_int_equal(order, 0);
	p.now = 350;
	assert_int_equal(vtimers_run(&p.timers), 400);
	assert_int_equal(fired[0], 1);
	assert_int_equal(fired[2], 2);
	assert_int_equal(timer[0].deadline, 0); /* nothing stays of what is over */
	vtimer_cancel(&p.timers, &timer[1]);
	assert_int_equal(timer[1].deadline, 0);
	assert_true(told == UINT64_MAX);
	vtimer_cancel(&p.timers, &timer[1]);
	vtimer_arm(&p.timers, &timer[3], 10);
	assert_int_equal(vtimers_run(&p.timers), 351);
	assert_int_equal(fired[3], 3);
	assert_int_equal(fired[1], 0);
}

static void test_ticks(void **state)
{
	static const u32 hz[] = { 1193182, 3579545, 32768, 1, 1000000000 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(hz); i++) {
		/* A tick begins exactly where ticks_at() says so, also after years. */
		for (u64 t = 1; t < (u64)hz[i] << 28; t = t * 3 + 1) {
			u64 ns = ticks_begin(t, hz[i]);

			assert_int_equal(ticks_at(ns, hz[i]), t);
			assert_int_equal(ticks_at(ns - 1, hz[i]), t - 1);
		}
	}
	assert_int_equal(ticks_at(1000000000ull * 86400 * 365 * 100, 1193182),
			 1193182ull * 86400 * 365 * 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims),	  cmocka_unit_test(test_many),
		cmocka_unit_test(test_no_memory), cmocka_unit_test(test_accesses),
		cmocka_unit_test(test_splitting), cmocka_unit_test(test_timers),
		cmocka_unit_test(test_ticks),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
