/* SPDX-License-Identifier: MIT */
/*
 * The kernel's timers: order, setting anew, callbacks that set and cancel, and thousands of them
 * against a plain search.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/task/timers.h"
#include "tests/unit/random.h"

struct note {
	struct timer timer;
	struct timers *q;
	struct note *cancels, *adds;
	u64 add_at;
	unsigned calls;
};

static u64 last_at;
static const struct note *last;

static void called(struct timer *t)
{
	struct note *n = container_of(t, struct note, timer);

	assert_false(t->set);
	assert_true(t->at >= last_at);
	last_at = t->at;
	last = n;
	n->calls++;
	if (n->cancels)
		timer_cancel(n->q, &n->cancels->timer);
	if (n->adds)
		timer_add(n->q, &n->adds->timer, n->add_at);
}

static void run(struct timers *q, u64 now)
{
	last_at = 0;
	timers_run(q, now);
}

static void test_due_now_and_not_before(void **state)
{
	struct timers q = { 0 };
	struct note n = { .timer = { .fn = called }, .q = &q };

	(void)state;
	run(&q, UINT64_MAX);
	assert_int_equal(timers_next(&q), UINT64_MAX);
	timer_add(&q, &n.timer, 100);
	assert_int_equal(timers_next(&q), 100);
	run(&q, 99);
	assert_true(n.calls == 0 && n.timer.set);
	run(&q, 100);
	assert_true(n.calls == 1 && !n.timer.set);
	run(&q, 101);
	assert_int_equal(n.calls, 1);
	assert_int_equal(timers_next(&q), UINT64_MAX);
}

static void test_set_anew_it_is_called_once(void **state)
{
	struct timers q = { 0 };
	struct note n = { .timer = { .fn = called }, .q = &q }, other = n;

	(void)state;
	timer_add(&q, &n.timer, 10);
	timer_add(&q, &other.timer, 20);
	timer_add(&q, &n.timer, 30);
	assert_int_equal(timers_next(&q), 20);
	run(&q, 25);
	assert_true(n.calls == 0 && other.calls == 1);
	timer_add(&q, &n.timer, 26);
	run(&q, 40);
	assert_int_equal(n.calls, 1);
	timer_cancel(&q, &n.timer); /* it is not set */
	timer_add(&q, &n.timer, 50);
	timer_cancel(&q, &n.timer);
	run(&q, 60);
	assert_int_equal(n.calls, 1);
}

static void test_the_end_of_time(void **state)
{
	struct timers q = { 0 };
	struct note a = { .timer = { .fn = called }, .q = &q }, b = a;

	(void)state;
	timer_add(&q, &b.timer, UINT64_MAX);
	timer_add(&q, &a.timer, UINT64_MAX - 1);
	assert_int_equal(timers_next(&q), UINT64_MAX - 1);
	run(&q, UINT64_MAX - 1);
	assert_true(a.calls == 1 && b.calls == 0);
	timer_add(&q, &a.timer, 1); /* before b, not behind it */
	assert_int_equal(timers_next(&q), 1);
}

static void test_two_for_one_time_keep_their_order(void **state)
{
	struct timers q = { 0 };
	struct note note[40];

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		note[i] = (struct note){ .timer = { .fn = called }, .q = &q };
		timer_add(&q, &note[i].timer, 7);
	}
	for (unsigned i = 0; i + 1 < 40; i++)
		note[i].cancels = &note[i + 1]; /* each second one: never called */
	run(&q, 7);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(note[i].calls, i % 2 == 0);
	assert_ptr_equal(last, &note[38]);
	assert_int_equal(timers_next(&q), UINT64_MAX);
}

static void test_a_callback_adds_and_cancels(void **state)
{
	struct timers q = { 0 };
	struct note a = { .timer = { .fn = called }, .q = &q }, b = a, c = a, d = a, later = a;

	(void)state;
	a.cancels = &b; /* due in the same call */
	a.adds = &later;
	a.add_at = 200;
	c.cancels = &d; /* set for later */
	timer_add(&q, &a.timer, 10);
	timer_add(&q, &b.timer, 11);
	timer_add(&q, &c.timer, 12);
	timer_add(&q, &d.timer, 100);
	run(&q, 50);
	assert_true(a.calls == 1 && b.calls == 0 && c.calls == 1);
	assert_int_equal(timers_next(&q), 200);
	run(&q, 200);
	assert_true(b.calls == 0 && d.calls == 0 && later.calls == 1);
}

/* One that adds itself for the past is called once for each look at the list. */
static void test_a_timer_does_not_keep_its_caller(void **state)
{
	struct timers q = { 0 };
	struct note n = { .timer = { .fn = called }, .q = &q, .adds = &n, .add_at = 1 };

	(void)state;
	timer_add(&q, &n.timer, 1);
	for (unsigned i = 1; i <= 3; i++) {
		run(&q, 50);
		assert_int_equal(n.calls, i);
		assert_int_equal(timers_next(&q), 1);
	}
}

#define MANY 1000u

/* Some are added, moved and cancelled, and then the clock moves. */
static void test_many_timers(void **state)
{
	static struct note note[MANY];
	static u64 due[MANY]; /* 0: off */
	static unsigned calls[MANY];
	struct timers q = { 0 };
	u64 clock = 1;

	(void)state;
	random_state = 1;
	for (unsigned i = 0; i < MANY; i++)
		note[i] = (struct note){ .timer = { .fn = called }, .q = &q };
	for (unsigned round = 0; round < 200; round++) {
		u64 next = UINT64_MAX;

		for (unsigned k = 0; k < MANY / 4; k++) {
			unsigned i = (unsigned)(rnd() % MANY);

			due[i] = one_in(3) ? 0 : clock + rnd() % 1000;
			if (due[i])
				timer_add(&q, &note[i].timer, due[i]);
			else
				timer_cancel(&q, &note[i].timer);
		}
		clock += rnd() % 300;
		run(&q, clock);
		for (unsigned i = 0; i < MANY; i++) {
			if (due[i] && due[i] <= clock) {
				calls[i]++;
				due[i] = 0;
			}
			assert_int_equal(note[i].calls, calls[i]);
			if (due[i])
				next = MIN(next, due[i]);
		}
		assert_int_equal(timers_next(&q), next);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due_now_and_not_before),
		cmocka_unit_test(test_set_anew_it_is_called_once),
		cmocka_unit_test(test_the_end_of_time),
		cmocka_unit_test(test_two_for_one_time_keep_their_order),
		cmocka_unit_test(test_a_callback_adds_and_cancels),
		cmocka_unit_test(test_a_timer_does_not_keep_its_caller),
		cmocka_unit_test(test_many_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
