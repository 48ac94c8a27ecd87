/* SPDX-License-Identifier: MIT */
/*
 * The local APIC against the SDM, volume 3A chapter 10: priorities, in-service and end of
 * interrupt, commands, destinations, pins, errors, and the timer in its three modes.
 * Alone: make build/unit/test_lapic && build/unit/test_lapic
 */
#include "emu/chip/lapic.h"
#include "tests/unit/pc_fixture.h"

#define FIXED(v) ((u32)(v))
#define SELF	 (1u << 18)
#define ALL	 (2u << 18)
#define OTHERS	 (3u << 18)

static struct pc p;
static struct lapic l;
static s64 tsc_offset; /* TSC = 3 * ns + this */
static const char *reset_why;
static u8 ended;
static unsigned ends, level_ends;

static u64 tsc_due(void *ctx, u64 tsc)
{
	s64 cycles = (s64)tsc - tsc_offset;

	(void)ctx;
	p.now++; /* each look at the clock takes time */
	return MAX(cycles < 0 ? 0 : (u64)cycles / 3, p.now);
}

static void on_reset(void *ctx, const char *why)
{
	(void)ctx;
	reset_why = why;
}

static void on_eoi(void *ctx, u8 vector, bool level)
{
	(void)ctx;
	ended = vector;
	ends++;
	level_ends += level;
}

static int setup(void **state)
{
	(void)state;
	pc_init(&p);
	p.host.tsc_due = tsc_due;
	p.host.cpu_init = on_reset;
	tsc_offset = 0;
	reset_why = NULL;
	ended = 0;
	ends = level_ends = 0;
	pc_plug(&p, &lapic_class, &l);
	l.eoi = on_eoi;
	return 0;
}

static u32 get(u32 reg)
{
	return read32(&p, LAPIC_BASE + reg);
}

static void set(u32 reg, u32 value)
{
	write32(&p, LAPIC_BASE + reg, value);
}

static void eoi(void)
{
	set(LAPIC_EOI, 0);
}

static bool send(u8 vector)
{
	return lapic_message(&l, 0, false, DELIVER_FIXED, vector, false);
}

static bool pin(void)
{
	return p.wire[0].level;
}

/* --- As firmware leaves it */

static void test_reset(void **state)
{
	(void)state;
	assert_int_equal(get(LAPIC_ID), 0);
	assert_int_equal(get(LAPIC_VERSION), 0x50014);
	assert_int_equal(get(LAPIC_TPR), 0);
	assert_int_equal(get(LAPIC_DFR), 0xffffffff);
	assert_int_equal(get(LAPIC_SPURIOUS), 0x1ff);
	assert_int_equal(get(LAPIC_LVT_TIMER), LVT_MASKED);
	assert_int_equal(get(LAPIC_LVT_LINT0), LVT_EXTINT);
	assert_int_equal(get(LAPIC_LVT_LINT1), LVT_NMI);
	assert_int_equal(l.base, 0xfee00900);
	assert_int_equal(get(LAPIC_INITIAL), 0);
	assert_int_equal(get(LAPIC_CURRENT), 0);
	assert_int_equal(get(LAPIC_DIVIDE), 0);
}

/* --- Priorities, 10.8.3 */

static void test_order(void **state)
{
	(void)state;
	assert_true(send(0x31));
	assert_true(pin());
	assert_true(send(0x52));
	assert_true(send(0x51));
	assert_int_equal(lapic_ack(&l), 0x52);
	assert_int_equal(get(LAPIC_PPR), 0x50);
	assert_false(pin()); /* 51h is of the same class */
	assert_true(send(0x60));
	assert_true(pin());
	assert_int_equal(lapic_ack(&l), 0x60);
	assert_int_equal(get(LAPIC_ISR + 0x20), BIT(0x52 - 0x40));
	assert_int_equal(get(LAPIC_ISR + 0x30), BIT(0));
	eoi();
	assert_int_equal(ended, 0x60);
	assert_false(pin());
	eoi();
	assert_int_equal(ended, 0x52);
	assert_true(pin());
	assert_int_equal(lapic_ack(&l), 0x51);
	eoi();
	assert_int_equal(lapic_ack(&l), 0x31);
	eoi();
	assert_int_equal(ends, 4);
	assert_int_equal(level_ends, 0);
	eoi(); /* of nothing */
	assert_int_equal(ends, 4);
	assert_int_equal(lapic_ack(&l), -1);
}

static void test_task_priority(void **state)
{
	(void)state;
	set(LAPIC_TPR, 0x5f);
	assert_int_equal(get(LAPIC_PPR), 0x5f);
	send(0x5e);
	assert_false(pin());
	assert_int_equal(get(LAPIC_IRR + 0x20), BIT(0x1e));
	set(LAPIC_TPR, 0x4f);
	assert_true(pin());
	set(LAPIC_TPR, 0x50);
	assert_false(pin());
	send(0x61);
	assert_int_equal(lapic_ack(&l), 0x61);
	set(LAPIC_TPR, 0x0f);
	assert_int_equal(get(LAPIC_PPR), 0x60);
	eoi();
	assert_int_equal(lapic_ack(&l), 0x5e);
	set(LAPIC_TPR, 0x57); /* the same class: the whole of TPR shows */
	assert_int_equal(get(LAPIC_PPR), 0x57);
}

/* One request of a vector and one in service: what is more is lost, 10.8.4. */
static void test_two_of_a_vector(void **state)
{
	(void)state;
	send(0x40);
	send(0x40);
	assert_int_equal(lapic_ack(&l), 0x40);
	send(0x40);
	send(0x40);
	assert_false(pin());
	eoi();
	assert_true(pin());
	assert_int_equal(lapic_ack(&l), 0x40);
	eoi();
	assert_false(pin());
}

static void test_level(void **state)
{
	(void)state;
	assert_true(lapic_message(&l, 0, false, DELIVER_LOWEST, 0x77, true));
	assert_int_equal(get(LAPIC_TMR + 0x30), BIT(0x17));
	assert_int_equal(lapic_ack(&l), 0x77);
	eoi();
	assert_int_equal(level_ends, 1);
	send(0x77); /* an edge next: the trigger mode is that of the last message */
	assert_int_equal(get(LAPIC_TMR + 0x30), 0);
	lapic_ack(&l);
	eoi();
	assert_int_equal(level_ends, 1);
}

/* --- Switched off */

static void test_software_disabled(void **state)
{
	(void)state;
	send(0x40);
	set(LAPIC_SPURIOUS, 0xff);
	assert_false(pin());
	assert_int_equal(get(LAPIC_LVT_LINT0), LVT_EXTINT | LVT_MASKED);
	set(LAPIC_LVT_TIMER, 0x33);
	assert_int_equal(get(LAPIC_LVT_TIMER), 0x33 | LVT_MASKED);
	send(0x50);
	assert_int_equal(get(LAPIC_IRR + 0x20), BIT(0)); /* the old one is held, the new one lost */
	lapic_message(&l, 0, false, DELIVER_NMI, 0, false);
	assert_int_equal(p.nmis, 1);
	set(LAPIC_SPURIOUS, 0x1ff);
	assert_true(pin());
	assert_int_equal(lapic_ack(&l), 0x40);
}

/* The 8259's output goes to the CPU, and nobody answers in memory. */
static void test_hardware_disabled(void **state)
{
	(void)state;
	assert_int_equal(lapic_write_base(&l, 0xfee00100), 0);
	assert_int_equal(get(LAPIC_VERSION), 0xffffffff);
	set(LAPIC_TPR, 0x20);
	assert_false(lapic_message(&l, 0, false, DELIVER_FIXED, 0x40, false));
	lapic_set_pin(&l, 0, true);
	assert_true(pin());
	assert_true(lapic_wants_pic(&l));
	lapic_set_pin(&l, 0, false);
	assert_false(pin());
	assert_int_equal(lapic_write_base(&l, 0xfee00900), 0);
	assert_int_equal(get(LAPIC_TPR), 0);
	assert_true(lapic_write_base(&l, 0xfee00d00) < 0); /* x2APIC */
	assert_true(lapic_write_base(&l, 0xfed00900) < 0);
	assert_true(lapic_write_base(&l, 0x1fee00900) < 0);
}

/* --- Commands, 10.6 */

static void test_commands(void **state)
{
	(void)state;
	set(LAPIC_ICR, SELF | 0x45);
	assert_int_equal(lapic_ack(&l), 0x45);
	eoi();
	set(LAPIC_ICR, OTHERS | 0x45);
	assert_false(pin());
	set(LAPIC_ICR, ALL | 0x46);
	assert_int_equal(lapic_ack(&l), 0x46);
	eoi();
	set(LAPIC_ICR_HIGH, 1u << 24);
	set(LAPIC_ICR, ICR_ASSERT | 0x47);
	assert_false(pin());
	set(LAPIC_ICR_HIGH, 0xff000000);
	set(LAPIC_ICR, ICR_ASSERT | 0x47);
	assert_int_equal(lapic_ack(&l), 0x47);
	assert_int_equal(get(LAPIC_ICR), ICR_ASSERT | 0x47);
	set(LAPIC_ICR, ALL | LVT_NMI);
	assert_int_equal(p.nmis, 1);
	set(LAPIC_ICR, OTHERS | ICR_ASSERT | DELIVER_INIT << 8);
	set(LAPIC_ICR, LVT_LEVEL | DELIVER_INIT << 8); /* de-assert */
	set(LAPIC_ICR, ALL | ICR_ASSERT | DELIVER_STARTUP << 8 | 0x10);
	assert_null(reset_why);
	set(LAPIC_ICR, ALL | ICR_ASSERT | DELIVER_INIT << 8);
	assert_non_null(reset_why);
}

static void test_destinations(void **state)
{
	(void)state;
	set(LAPIC_ID, 5u << 24);
	assert_false(lapic_message(&l, 0, false, DELIVER_FIXED, 0x40, false));
	assert_true(lapic_message(&l, 5, false, DELIVER_FIXED, 0x40, false));
	set(LAPIC_LDR, 0x42000000);
	assert_true(lapic_message(&l, 0x02, true, DELIVER_FIXED, 0x41, false));
	assert_true(lapic_message(&l, 0xc0, true, DELIVER_FIXED, 0x41, false));
	assert_false(lapic_message(&l, 0x3d & ~2, true, DELIVER_FIXED, 0x41, false));
	set(LAPIC_DFR, 0x0fffffff); /* clusters: number 4, member 2 */
	assert_true(lapic_message(&l, 0x42, true, DELIVER_FIXED, 0x42, false));
	assert_true(lapic_message(&l, 0xf2, true, DELIVER_FIXED, 0x42, false));
	assert_false(lapic_message(&l, 0x52, true, DELIVER_FIXED, 0x42, false));
	assert_false(lapic_message(&l, 0x4d & 0xfd, true, DELIVER_FIXED, 0x42, false));
	assert_true(lapic_message(&l, 0xff, true, DELIVER_FIXED, 0x42, false));
}

/* --- Pins */

static void test_virtual_wire(void **state)
{
	(void)state;
	set(LAPIC_TPR, 0xff); /* ExtINT knows no priority */
	lapic_set_pin(&l, 0, true);
	assert_true(pin());
	assert_int_equal(lapic_ack(&l), -1);
	assert_true(lapic_wants_pic(&l));
	set(LAPIC_LVT_LINT0, LVT_EXTINT | LVT_MASKED);
	assert_false(pin());
	set(LAPIC_LVT_LINT0, LVT_EXTINT);
	assert_true(pin());
	lapic_set_pin(&l, 0, false);
	assert_false(pin());
	lapic_set_extint(&l, true); /* through an I/O APIC */
	assert_true(pin());
	lapic_set_extint(&l, false);
	lapic_set_pin(&l, 1, true);
	assert_int_equal(p.nmis, 1);
}

static void test_pin_fixed(void **state)
{
	(void)state;
	set(LAPIC_LVT_LINT0, 0x61);
	lapic_set_pin(&l, 0, true);
	assert_int_equal(lapic_ack(&l), 0x61);
	eoi();
	assert_false(pin()); /* an edge is one interrupt */
	lapic_set_pin(&l, 0, false);
	set(LAPIC_LVT_LINT1, LVT_LEVEL | 0x62);
	lapic_set_pin(&l, 1, true);
	assert_int_equal(get(LAPIC_LVT_LINT1), LVT_LEVEL | LVT_REMOTE | 0x62);
	assert_int_equal(lapic_ack(&l), 0x62);
	assert_false(pin());
	eoi(); /* still up: again */
	assert_int_equal(lapic_ack(&l), 0x62);
	lapic_set_pin(&l, 1, false);
	eoi();
	assert_false(pin());
	assert_int_equal(get(LAPIC_LVT_LINT1), LVT_LEVEL | 0x62);
}

/* --- Errors, 10.5.3 */

static void test_errors(void **state)
{
	(void)state;
	set(LAPIC_LVT_ERROR, 0x3f);
	lapic_message(&l, 0, false, DELIVER_FIXED, 5, false);
	assert_int_equal(lapic_ack(&l), 0x3f);
	eoi();
	assert_int_equal(get(LAPIC_ESR), 0);
	set(LAPIC_ESR, 0);
	assert_int_equal(get(LAPIC_ESR), ESR_RECEIVE_ILLEGAL);
	set(LAPIC_ICR, SELF | 2);
	get(0x10);
	set(LAPIC_ESR, 0);
	assert_int_equal(get(LAPIC_ESR), ESR_SEND_ILLEGAL | ESR_ILLEGAL_ADDRESS);
	set(LAPIC_ESR, 0);
	assert_int_equal(get(LAPIC_ESR), 0);
	lapic_ack(&l);
	eoi();
	set(LAPIC_LVT_ERROR, 3); /* an illegal vector of its own: noted, and no loop */
	lapic_message(&l, 0, false, DELIVER_FIXED, 5, false);
	assert_false(pin());
}

/* --- Timer, 10.5.4 */

static void test_one_shot(void **state)
{
	(void)state;
	set(LAPIC_LVT_TIMER, 0x80);
	set(LAPIC_DIVIDE, 3); /* 16 */
	set(LAPIC_INITIAL, 1000);
	run_for(&p, 8000);
	assert_int_equal(get(LAPIC_CURRENT), 500);
	run_for(&p, 7999);
	assert_false(pin());
	run_for(&p, 1);
	assert_int_equal(lapic_ack(&l), 0x80);
	eoi();
	assert_int_equal(get(LAPIC_CURRENT), 0);
	run_for(&p, 100000);
	assert_false(pin());
	set(LAPIC_INITIAL, 1000);
	set(LAPIC_INITIAL, 0); /* stops */
	run_for(&p, 100000);
	assert_false(pin());
}

static void test_dividers(void **state)
{
	static const u8 divide[8] = { 0xb, 0, 1, 2, 3, 8, 9, 0xa };

	(void)state;
	for (unsigned n = 0; n < 8; n++) {
		set(LAPIC_DIVIDE, divide[n]);
		assert_int_equal(get(LAPIC_DIVIDE), divide[n]);
		set(LAPIC_INITIAL, 1000000);
		run_for(&p, 1280);
		assert_int_equal(get(LAPIC_CURRENT), 1000000 - (1280 >> n));
	}
	set(LAPIC_DIVIDE, 0xb); /* while it counts: from the count that it has */
	assert_int_equal(get(LAPIC_CURRENT), 1000000 - 10);
	run_for(&p, 100);
	assert_int_equal(get(LAPIC_CURRENT), 1000000 - 110);
}

static void test_masked_one_shot(void **state)
{
	(void)state;
	set(LAPIC_LVT_TIMER, LVT_MASKED | 0x80);
	set(LAPIC_DIVIDE, 0xb);
	set(LAPIC_INITIAL, 1000);
	assert_false(vtimer_armed(&l.count.timer)); /* costs nothing */
	run_for(&p, 500);
	set(LAPIC_LVT_TIMER, 0x80);
	run_for(&p, 500);
	assert_int_equal(lapic_ack(&l), 0x80);
	eoi();
	set(LAPIC_LVT_TIMER, LVT_MASKED | 0x80);
	set(LAPIC_INITIAL, 1000);
	run_for(&p, 1500);
	set(LAPIC_LVT_TIMER, 0x80); /* over: nobody is told later */
	run_for(&p, 5000);
	assert_false(pin());
}

static void test_periodic(void **state)
{
	u64 seen = 0;

	(void)state;
	set(LAPIC_LVT_TIMER, LVT_PERIODIC | 0x80);
	set(LAPIC_DIVIDE, 0xb);
	set(LAPIC_INITIAL, 1000000); /* 1 ms */
	for (unsigned ms = 1; ms <= 20; ms++) {
		run_for(&p, MS - 1);
		assert_false(pin());
		run_for(&p, 1);
		assert_int_equal(lapic_ack(&l), 0x80);
		eoi();
	}
	assert_int_equal(get(LAPIC_CURRENT), 1000000);
	/* Seven periods late: one now, the others an eighth of a period after the EOIs. */
	p.now += 7 * MS;
	vtimers_run(&p.timers);
	while (pin()) {
		assert_int_equal(lapic_ack(&l), 0x80);
		eoi();
		seen++;
		run_for(&p, MS / 8 - 1);
		assert_false(pin());
		run_for(&p, 1);
	}
	assert_int_equal(seen, 7);
	/* The guest was run, and let them wait: late for 20 ms it gets all, for 30 ms one. */
	for (unsigned ms = 20; ms <= 30; ms += 10) {
		set(LAPIC_INITIAL, 1000000);
		u64 start = p.now;

		for (unsigned i = 0; i < ms; i++)
			run_for(&p, MS);
		for (seen = 0; pin(); seen++) {
			assert_int_equal(lapic_ack(&l), 0x80);
			eoi();
			run_for(&p, MS / 8);
		}
		assert_int_equal(seen, ms == 20 ? (p.now - start) / MS : 1);
	}
	/* Late for 30 ms, in 20 of which it waited for its turn: it gets all. */
	set(LAPIC_INITIAL, 1000000);
	for (unsigned i = 0; i < 15; i++) {
		run_for(&p, MS);
		wait_for_turn(&p, MS);
		vtimers_run(&p.timers);
	}
	u64 start = p.now - 30 * MS;

	for (seen = 0; pin(); seen++) {
		assert_int_equal(lapic_ack(&l), 0x80);
		eoi();
		run_for(&p, MS / 8);
	}
	assert_int_equal(seen, (p.now - start) / MS);
	set(LAPIC_LVT_TIMER, LVT_MASKED | LVT_PERIODIC | 0x80);
	assert_false(vtimer_armed(&l.count.timer));
}

/* A period of 1 ns is no storm of timers: batches, and what is owed is limited. */
static void test_shortest_period(void **state)
{
	unsigned fired = 0;

	(void)state;
	set(LAPIC_LVT_TIMER, LVT_PERIODIC | 0x80);
	set(LAPIC_DIVIDE, 0xb);
	set(LAPIC_INITIAL, 1);
	for (u64 end = p.now + 10 * MS; p.now < end; fired++) {
		u64 due = vtimer_due(&l.count.timer);

		assert_true(due > p.now);
		p.now = due;
		vtimers_run(&p.timers);
	}
	assert_in_range(fired, 90, 110);
	p.now += 1000000 * MS;
	vtimers_run(&p.timers);
	assert_true(l.count.late.owed <= 10000000000ull);
	/* Nobody is asked to take a vector below 16: that and what is owed are lost. */
	set(LAPIC_LVT_TIMER, LVT_PERIODIC | 0x0f);
	set(LAPIC_INITIAL, 1);
	for (unsigned i = 0; i < 3; i++) {
		p.now += 1000 * MS;
		assert_true(vtimers_run(&p.timers) > p.now);
		assert_int_equal(l.count.late.owed, 0);
	}
}

static void test_deadline(void **state)
{
	(void)state;
	lapic_timer_write_deadline(&l.count, 5000); /* not in this mode */
	assert_int_equal(lapic_timer_deadline(&l.count), 0);
	set(LAPIC_LVT_TIMER, LVT_DEADLINE | 0x81);
	set(LAPIC_INITIAL, 1000); /* neither */
	assert_int_equal(get(LAPIC_INITIAL), 0);
	run_until(&p, 1000);
	lapic_timer_write_deadline(&l.count, 6000); /* at 2000 ns */
	assert_int_equal(lapic_timer_deadline(&l.count), 6000);
	run_until(&p, 1999);
	assert_false(pin());
	run_until(&p, 2000);
	assert_int_equal(lapic_ack(&l), 0x81);
	eoi();
	assert_int_equal(lapic_timer_deadline(&l.count), 0);
	lapic_timer_write_deadline(&l.count, 30);
	run_until(&p, 2001); /* past: at once */
	assert_int_equal(lapic_ack(&l), 0x81);
	eoi();
	lapic_timer_write_deadline(&l.count, 9000);
	tsc_offset = -3000; /* the guest set its TSC back: the deadline is later */
	run_until(&p, 3500);
	assert_false(pin());
	run_until(&p, 4000);
	assert_true(pin());
	lapic_ack(&l);
	eoi();
	lapic_timer_write_deadline(&l.count, 90000);
	lapic_timer_write_deadline(&l.count, 0); /* disarms */
	run_until(&p, 50000);
	assert_false(pin());
	lapic_timer_write_deadline(&l.count, 900000);
	set(LAPIC_LVT_TIMER, 0x81); /* so does another mode */
	run_until(&p, 900000);
	assert_false(pin());
}

/* --- Widths: bytes of a register can be read, and written by nobody. */
static void test_widths(void **state)
{
	u8 b;
	u64 q;

	(void)state;
	gpmem_read(p.mem, LAPIC_BASE + LAPIC_VERSION + 2, &b, 1);
	assert_int_equal(b, 5);
	gpmem_read(p.mem, LAPIC_BASE + LAPIC_VERSION, &q, 8);
	assert_int_equal(q, 0x50014);
	gpmem_read(p.mem, LAPIC_BASE + LAPIC_VERSION + 8, &b, 1);
	assert_int_equal(b, 0);
	b = 0x20;
	gpmem_write(p.mem, LAPIC_BASE + LAPIC_TPR, &b, 1);
	assert_int_equal(get(LAPIC_TPR), 0);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_reset),
		TEST(test_order),
		TEST(test_task_priority),
		TEST(test_two_of_a_vector),
		TEST(test_level),
		TEST(test_software_disabled),
		TEST(test_hardware_disabled),
		TEST(test_commands),
		TEST(test_destinations),
		TEST(test_virtual_wire),
		TEST(test_pin_fixed),
		TEST(test_errors),
		TEST(test_one_shot),
		TEST(test_dividers),
		TEST(test_masked_one_shot),
		TEST(test_periodic),
		TEST(test_shortest_period),
		TEST(test_deadline),
		TEST(test_widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
