/* SPDX-License-Identifier: MIT */
/*
 * The HPET against its specification (1.0a): the counter, one-shot and periodic comparators of 32
 * and 64 bits, levels and edges, legacy replacement.
 * Alone: make build/unit/test_hpet && build/unit/test_hpet
 */
#include "emu/chip/hpet.h"
#include "tests/unit/pc_fixture.h"

#define TICK 10u /* ns */

static struct pc p;
static struct hpet h;
static struct wire pin[24], isa[16];
static bool legacy;

static void wire(struct wire *w, bool level)
{
	assert_int_not_equal(w->level, level);
	w->level = level;
	w->rises += level;
}

static void on_pin(void *ctx, unsigned n, bool level)
{
	(void)ctx;
	wire(&pin[n], level);
}

static void on_isa(void *ctx, unsigned n, bool level)
{
	(void)ctx;
	wire(&isa[n], level);
}

static void on_legacy(void *ctx, bool on)
{
	(void)ctx;
	assert_int_not_equal(legacy, on);
	assert_false(isa[0].level || isa[8].level);
	legacy = on;
}

static int setup(void **state)
{
	(void)state;
	memset(pin, 0, sizeof(pin));
	memset(isa, 0, sizeof(isa));
	legacy = false;
	pc_init(&p);
	pc_plug(&p, &hpet_class, &h);
	h.pin_out.set = on_pin;
	h.isa_out.set = on_isa;
	h.legacy = on_legacy;
	return 0;
}

static u64 get64(u32 reg)
{
	u64 v;

	gpmem_read(p.mem, HPET_BASE + reg, &v, 8);
	return v;
}

static void set64(u32 reg, u64 v)
{
	gpmem_write(p.mem, HPET_BASE + reg, &v, 8);
}

static u32 get(u32 reg)
{
	return read32(&p, HPET_BASE + reg);
}

static void set(u32 reg, u32 v)
{
	write32(&p, HPET_BASE + reg, v);
}

#define PIN(n) ((n) << 9)

static void comparator(unsigned n, u32 value)
{
	set(HPET_TIMER(n) + HPET_COMPARATOR, value);
}

static void test_registers(void **state)
{
	(void)state;
	assert_true(get64(HPET_CAPS) == (10000000ull << 32 | 0x8086a201));
	assert_int_equal(get(HPET_CAPS + 4), 10000000);
	assert_int_equal(get(HPET_CONFIG), 0);
	assert_true(get64(HPET_TIMER(0)) == (0x00ff0000ull << 32 | 0x30));
	assert_true(get64(HPET_TIMER(2) + HPET_COMPARATOR) == ~0ull);
	set(HPET_TIMER(1), 0xffffffff);
	assert_int_equal(get(HPET_TIMER(1)), 0x3f7e);
	assert_int_equal(get64(HPET_TIMER(3)), 0);
	set64(HPET_CAPS, 0);
	assert_int_equal(get(HPET_CAPS), 0x8086a201);
}

static void test_counter(void **state)
{
	(void)state;
	run_for(&p, 1000);
	assert_int_equal(get64(HPET_COUNTER), 0);
	set(HPET_CONFIG, HPET_ENABLE);
	run_for(&p, 1000);
	assert_int_equal(get64(HPET_COUNTER), 100);
	set(HPET_CONFIG, 0);
	run_for(&p, 1000);
	assert_int_equal(get64(HPET_COUNTER), 100);
	set64(HPET_COUNTER, 0xffffffff00000000);
	set(HPET_COUNTER, 0xfffffffe); /* half of it */
	set(HPET_CONFIG, HPET_ENABLE);
	run_for(&p, 30);
	assert_int_equal(get64(HPET_COUNTER), 1); /* wraps */
}

static void test_one_shot(void **state)
{
	(void)state;
	set(HPET_TIMER(0), HPET_TN_ENABLE | PIN(20));
	comparator(0, 500);
	set(HPET_TIMER(0) + HPET_COMPARATOR + 4, 0);
	run_for(&p, 100000);
	assert_int_equal(pin[20].rises, 0); /* the counter stands */
	set(HPET_CONFIG, HPET_ENABLE);
	run_for(&p, 500 * TICK - 1);
	assert_int_equal(pin[20].rises, 0);
	run_for(&p, 1);
	assert_int_equal(pin[20].rises, 1);
	run_for(&p, MS);
	assert_int_equal(pin[20].rises, 1);
	set64(HPET_TIMER(0) + HPET_COMPARATOR, get64(HPET_COUNTER) - 1); /* behind */
	run_for(&p, MS);
	assert_int_equal(pin[20].rises, 1);
	set64(HPET_TIMER(0) + HPET_COMPARATOR, get64(HPET_COUNTER) + 10);
	run_for(&p, MS);
	assert_int_equal(pin[20].rises, 2);
	assert_int_equal(get(HPET_STATUS), 0); /* an edge leaves no status */
}

/* A comparator of 32 bits that is behind meets the counter when that has wrapped. */
static void test_32_bits(void **state)
{
	(void)state;
	set(HPET_CONFIG, HPET_ENABLE);
	run_for(&p, 1000 * TICK);
	set(HPET_TIMER(2), HPET_TN_ENABLE | HPET_TN_32 | PIN(16));
	comparator(2, 999);
	run_for(&p, (0xffffffffull - 1) * TICK);
	assert_int_equal(pin[16].rises, 0);
	run_for(&p, TICK);
	assert_int_equal(pin[16].rises, 1);
}

static void test_level(void **state)
{
	(void)state;
	set(HPET_TIMER(1), HPET_TN_ENABLE | HPET_TN_LEVEL | PIN(17));
	comparator(1, 100);
	set(HPET_TIMER(1) + HPET_COMPARATOR + 4, 0);
	set(HPET_CONFIG, HPET_ENABLE);
	run_for(&p, MS);
	assert_true(pin[17].level);
	assert_int_equal(get(HPET_STATUS), 2);
	set(HPET_STATUS, 1);
	assert_true(pin[17].level);
	set(HPET_STATUS, 2);
	assert_false(pin[17].level);
	assert_int_equal(get(HPET_STATUS), 0);
}

/* Two timers on one pin: it is up while either is. */
static void test_shared_pin(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 2; n++) {
		set(HPET_TIMER(n), HPET_TN_ENABLE | HPET_TN_LEVEL | PIN(18));
		set64(HPET_TIMER(n) + HPET_COMPARATOR, 100 + 100 * n);
	}
	set(HPET_CONFIG, HPET_ENABLE);
	run_for(&p, MS);
	assert_int_equal(pin[18].rises, 1);
	set(HPET_STATUS, 1);
	assert_true(pin[18].level);
	set(HPET_STATUS, 2);
	assert_false(pin[18].level);
}

static void test_periodic(void **state)
{
	(void)state;
	set(HPET_CONFIG, HPET_ENABLE);
	run_for(&p, 77 * TICK);
	set(HPET_TIMER(0), HPET_TN_ENABLE | HPET_TN_PERIODIC | HPET_TN_SET | PIN(21));
	set64(HPET_TIMER(0) + HPET_COMPARATOR, 77 + 50000);
	assert_int_equal(get(HPET_TIMER(0)) & HPET_TN_SET, 0);
	set64(HPET_TIMER(0) + HPET_COMPARATOR, 100000); /* the period: 1 ms */
	run_for(&p, 50000 * TICK - 1);
	assert_int_equal(pin[21].rises, 0);
	run_for(&p, 1);
	assert_int_equal(pin[21].rises, 1);
	assert_int_equal(get64(HPET_TIMER(0) + HPET_COMPARATOR), 77 + 150000);
	run_for(&p, 10 * MS);
	assert_int_equal(pin[21].rises, 11);
	p.now += 5 * MS + 3; /* late: one interrupt, and the phase stays */
	vtimers_run(&p.timers);
	assert_int_equal(pin[21].rises, 12);
	assert_int_equal(get64(HPET_TIMER(0) + HPET_COMPARATOR), 77 + 50000 + 16 * 100000);
}

static void test_shortest_period(void **state)
{
	unsigned fired = 0;

	(void)state;
	set(HPET_CONFIG, HPET_ENABLE);
	set(HPET_TIMER(0), HPET_TN_ENABLE | HPET_TN_PERIODIC | HPET_TN_SET | PIN(21));
	set64(HPET_TIMER(0) + HPET_COMPARATOR, 1);
	for (u64 end = p.now + 10 * MS; p.now < end; fired++) {
		u64 due = vtimer_due(&h.timer);

		assert_true(due > p.now);
		p.now = due;
		vtimers_run(&p.timers);
	}
	assert_in_range(fired, 90, 110);
}

static void test_legacy(void **state)
{
	(void)state;
	set(HPET_TIMER(0), HPET_TN_ENABLE | HPET_TN_PERIODIC | HPET_TN_SET | PIN(21));
	set64(HPET_TIMER(0) + HPET_COMPARATOR, 100000);
	set(HPET_TIMER(1), HPET_TN_ENABLE);
	set64(HPET_TIMER(1) + HPET_COMPARATOR, 250000);
	set(HPET_CONFIG, HPET_ENABLE | HPET_LEGACY);
	assert_true(legacy);
	run_for(&p, 3 * MS);
	assert_int_equal(isa[0].rises, 3);
	assert_int_equal(isa[8].rises, 1);
	assert_int_equal(pin[21].rises, 0);
	set(HPET_CONFIG, HPET_ENABLE); /* the ISA lines are given back, low */
	assert_false(legacy);
	h.pin_out.set = on_pin;
	run_for(&p, MS);
	assert_int_equal(isa[0].rises, 3);
	set(HPET_CONFIG, HPET_ENABLE | HPET_LEGACY);
	hpet_class.reset(&h);
	assert_false(legacy);
	assert_false(vtimer_armed(&h.timer));
}

/* Nothing is armed for a timer whose interrupt is off. */
static void test_idle(void **state)
{
	(void)state;
	set(HPET_CONFIG, HPET_ENABLE);
	set64(HPET_TIMER(0) + HPET_COMPARATOR, 1000);
	assert_false(vtimer_armed(&h.timer));
	assert_true(hpet_class.wakes_at(&h) == UINT64_MAX);
	set(HPET_TIMER(0), HPET_TN_ENABLE | PIN(16));
	assert_true(hpet_class.wakes_at(&h) <= 1000 * TICK + 100 * US);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_registers), TEST(test_counter),	  TEST(test_one_shot),
		TEST(test_32_bits),   TEST(test_level),		  TEST(test_shared_pin),
		TEST(test_periodic),  TEST(test_shortest_period), TEST(test_legacy),
		TEST(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
