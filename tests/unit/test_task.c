/* SPDX-License-Identifier: MIT */
/*
 * Tasks and wait queues with a clock that the test moves: who is chosen, for how long, who pays,
 * and that no wake-up is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/task/task.h"
#include "tests/unit/random.h"

#define MS 1000000ull

/* A task that works for so long in each turn, at most until it has to end. */
struct worker {
	struct task task;
	u64 works, got, turns;
	u64 rests;	      /* after a turn; 0: it goes on */
	struct waitq *sleeps; /* instead */
	struct worker *wakes; /* in the middle of a turn, as an interrupt would */
	bool ends;	      /* itself */
	u64 asked;	      /* what its own rule says */
};

static u64 now;

static void run(struct task *t, u64 until)
{
	struct worker *w = container_of(t, struct worker, task);
	u64 took = MIN(w->works, until - now);

	if (w->sleeps)
		task_sleep(t, w->sleeps, UINT64_MAX);
	if (w->wakes)
		task_wake(&w->wakes->task);
	now += took;
	w->got += took;
	w->turns++;
	if (w->rests)
		task_sleep(t, NULL, now + w->rests);
	if (w->ends)
		task_end(t);
}

static u64 rule(struct task *t)
{
	return container_of(t, struct worker, task)->asked;
}

static const struct task_ops ops = { .run = run };
static const struct task_ops ruled = { .run = run, .wakes_at = rule };

/* As sched_loop() does. Returns whose turn it was. */
static struct task *turn(struct runq *rq)
{
	u64 wake, began = now;
	struct task *t = runq_choose(rq, now, &wake);

	if (!t) {
		assert_true(wake > now && wake != UINT64_MAX);
		now = wake;
		return NULL;
	}
	t->ops->run(t, runq_turn_end(rq, t, now));
	task_charge(t, now - began);
	return t;
}

static void begin(struct runq *rq)
{
	now = 1000 * MS;
	runq_init(rq);
}

/* --- Fairness */

/* Whether they take whole slices, small ones, or sleep between them. */
static void test_equal_time(void **state)
{
	struct runq rq;
	struct worker w[3] = { { .works = 1000 * MS },
			       { .works = MS / 3 },
			       { .works = 4 * MS, .rests = MS } };

	(void)state;
	begin(&rq);
	for (unsigned i = 0; i < 3; i++)
		task_init(&rq, &w[i].task, &ops, false);
	while (now < 10000 * MS)
		turn(&rq);
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(w[i].got / MS, 2970, 3030);
}

/* One that works a little, as often as it can, does not live at the others' cost, and waits for
 * nobody longer than for a slice of each. */
static void test_random_tasks(void **state)
{
	enum { TASKS = 8 };
	struct runq rq;
	struct worker w[TASKS];
	u64 waits[TASKS];

	(void)state;
	begin(&rq);
	random_state = 3;
	for (unsigned i = 0; i < TASKS; i++) {
		w[i] = (struct worker){ .works = 1 + rnd() % (20 * MS) };
		task_init(&rq, &w[i].task, &ops, false);
		waits[i] = now;
	}
	for (unsigned n = 0; n < 20000; n++) {
		struct task *t = turn(&rq);
		struct worker *ran = container_of(t, struct worker, task);

		waits[ran - w] = now;
		ran->works = one_in(4) ? 1 + rnd() % 1000 : 1 + rnd() % (20 * MS);
		for (unsigned i = 0; i < TASKS; i++)
			assert_true(now - waits[i] <= 2 * TASKS * TASK_SLICE_NS);
	}
	for (unsigned i = 1; i < TASKS; i++)
		assert_in_range(w[i].got, w[0].got - TASK_SLICE_NS, w[0].got + TASK_SLICE_NS);
}

static void test_a_sleeper_claims_no_past(void **state)
{
	struct runq rq;
	struct worker busy = { .works = 1000 * MS }, late = { .works = 1000 * MS }, new = late;
	u64 before;

	(void)state;
	begin(&rq);
	task_init(&rq, &busy.task, &ops, false);
	task_init(&rq, &late.task, &ops, false);
	task_sleep(&late.task, NULL, now + 5000 * MS);
	while (now < 6000 * MS)
		turn(&rq);
	before = busy.got;
	while (now < 8000 * MS)
		turn(&rq);
	assert_in_range((busy.got - before) / MS, 980, 1020); /* half, not nothing for 5 seconds */
	task_init(&rq, &new.task, &ops, false);		      /* nor does one that is new */
	before = busy.got;
	while (now < 11000 * MS)
		turn(&rq);
	assert_in_range((busy.got - before) / MS, 980, 1020);
}

/* The choice itself takes time, and so do timers: who comes next pays for them. */
static void test_who_is_charged(void **state)
{
	struct runq rq;
	struct worker busy = { .works = MS }, operator_ = { .works = 7 * MS };
	u64 used;

	(void)state;
	begin(&rq);
	task_init(&rq, &busy.task, &ops, false);
	turn(&rq);
	assert_int_equal(busy.task.used, MS);
	task_charge(&busy.task, 5);
	assert_int_equal(busy.task.used, MS + 5);
	task_init(&rq, &operator_.task, &ops, true);
	used = busy.task.used;
	for (unsigned i = 0; i < 5; i++)
		assert_ptr_equal(turn(&rq), &operator_.task); /* goes first, however long */
	assert_int_equal(operator_.task.used, 0);
	assert_int_equal(busy.task.used, used);
}

/* --- Waking */

/* The turn ends when the one that has used less wakes up, but never before a share is over. */
static void test_a_wake_up_ends_a_turn(void **state)
{
	struct runq rq;
	struct worker busy = { .works = 1000 * MS }, nap = { .works = MS / 10 };
	u64 wake;

	(void)state;
	begin(&rq);
	task_init(&rq, &busy.task, &ops, false);
	task_init(&rq, &nap.task, &ops, false);
	task_sleep(&nap.task, NULL, UINT64_MAX);
	for (int i = 0; i < 10; i++)
		turn(&rq);
	task_sleep(&nap.task, NULL, now + 4 * MS);
	assert_ptr_equal(runq_choose(&rq, now, &wake), &busy.task);
	assert_int_equal(wake, now + 4 * MS);
	assert_int_equal(runq_turn_end(&rq, &busy.task, now), now + 4 * MS);
	task_sleep(&nap.task, NULL, now + MS / 4);
	assert_int_equal(runq_turn_end(&rq, &busy.task, now), now + TASK_SHARE_NS);
	task_sleep(&nap.task, NULL, now + 30 * MS);
	assert_int_equal(runq_turn_end(&rq, &busy.task, now), now + TASK_SLICE_NS);
	/* It has used more: the turn lasts until both have used the same. */
	nap.task.used = busy.task.used + 6 * MS;
	task_sleep(&nap.task, NULL, now + 4 * MS);
	assert_int_equal(runq_turn_end(&rq, &busy.task, now), now + 6 * MS);
	nap.task.used = busy.task.used + TASK_SLICE_NS;
	assert_int_equal(runq_turn_end(&rq, &busy.task, now), now + TASK_SLICE_NS);
	/* One that goes first has used nothing. */
	nap.task.first = true;
	assert_int_equal(runq_turn_end(&rq, &busy.task, now), now + 4 * MS);
}

/* Those that wake up together: who has used least, and of two the one that was there first. */
static void test_the_order_of_waking(void **state)
{
	struct runq rq;
	struct waitq q;
	struct worker w[4] = { { .works = MS, .sleeps = &q },
			       { .works = 2 * MS, .sleeps = &q },
			       { .works = 3 * MS, .sleeps = &q },
			       { .works = MS, .sleeps = &q } };

	(void)state;
	begin(&rq);
	waitq_init(&q);
	for (unsigned i = 0; i < 4; i++)
		task_init(&rq, &w[i].task, &ops, false);
	for (unsigned i = 0; i < 4; i++)
		assert_ptr_equal(turn(&rq), &w[i].task);
	waitq_wake(&q);
	assert_true(list_empty(&q.tasks));
	assert_ptr_equal(turn(&rq), &w[0].task);
	assert_ptr_equal(turn(&rq), &w[3].task);
	waitq_wake(&q);
	assert_ptr_equal(turn(&rq), &w[0].task);
	assert_ptr_equal(turn(&rq), &w[1].task);
	assert_ptr_equal(turn(&rq), &w[3].task);
	assert_ptr_equal(turn(&rq), &w[2].task);
}

static void test_a_timeout_or_a_wake_up(void **state)
{
	struct runq rq;
	struct waitq q, other;
	struct worker w[3] = { { .works = MS }, { .works = MS }, { .works = MS } };
	u64 wake;

	(void)state;
	begin(&rq);
	waitq_init(&q);
	waitq_init(&other);
	for (unsigned i = 0; i < 3; i++) {
		task_init(&rq, &w[i].task, &ops, false);
		task_sleep(&w[i].task, &q, i ? UINT64_MAX : now + 10 * MS);
	}
	assert_null(runq_choose(&rq, now, &wake));
	assert_int_equal(wake, now + 10 * MS);
	now += 10 * MS;
	assert_ptr_equal(runq_choose(&rq, now, &wake), &w[0].task); /* its time is over */
	task_sleep(&w[0].task, &other, UINT64_MAX); /* and waits for something else now */
	assert_null(runq_choose(&rq, now, &wake));
	assert_int_equal(wake, UINT64_MAX);
	waitq_wake(&q);
	assert_true(list_empty(&q.tasks));
	assert_true(task_wakes_at(&w[0].task) == UINT64_MAX && !task_wakes_at(&w[1].task) &&
		    !task_wakes_at(&w[2].task));
	waitq_wake(&q); /* nobody waits */
	waitq_wake(&other);
	assert_int_equal(task_wakes_at(&w[0].task), 0);
}

/* An interrupt wakes a task between its look at what there is to do and the end of its turn. */
static void test_no_wake_up_is_lost(void **state)
{
	struct runq rq;
	struct waitq q;
	struct worker a = { .works = MS, .sleeps = &q, .wakes = &a };
	u64 wake;

	(void)state;
	begin(&rq);
	waitq_init(&q);
	task_init(&rq, &a.task, &ops, false);
	assert_ptr_equal(turn(&rq), &a.task);
	a.wakes = NULL;
	assert_ptr_equal(turn(&rq), &a.task); /* again, and now it sleeps */
	assert_null(runq_choose(&rq, now, &wake));
	assert_int_equal(wake, UINT64_MAX);
}

/* Only tasks that go first end a turn by being woken. */
static void test_urgent(void **state)
{
	struct runq rq;
	struct waitq q;
	struct worker operator_ = { .works = MS, .sleeps = &q }, a = { .works = MS }, b = a;
	u64 wake;

	(void)state;
	begin(&rq);
	waitq_init(&q);
	task_init(&rq, &a.task, &ops, false);
	task_init(&rq, &b.task, &ops, false);
	task_init(&rq, &operator_.task, &ops, true);
	assert_ptr_equal(turn(&rq), &operator_.task);
	task_sleep(&b.task, NULL, UINT64_MAX);
	a.wakes = &b;
	assert_ptr_equal(turn(&rq), &a.task);
	assert_false(rq.urgent);
	a.wakes = &operator_;
	b.wakes = NULL;
	task_sleep(&b.task, NULL, UINT64_MAX);
	assert_ptr_equal(turn(&rq), &a.task);
	assert_true(rq.urgent);
	assert_ptr_equal(runq_choose(&rq, now, &wake), &operator_.task);
	assert_false(rq.urgent);
}

/* A rule is asked each time; sleeping and waking do not matter to it. */
static void test_a_rule(void **state)
{
	struct runq rq;
	struct worker a = { .works = MS, .asked = UINT64_MAX };
	u64 wake;

	(void)state;
	begin(&rq);
	task_init(&rq, &a.task, &ruled, false);
	assert_null(runq_choose(&rq, now, &wake));
	task_wake(&a.task);
	assert_null(runq_choose(&rq, now, &wake));
	a.asked = now + 3;
	assert_null(runq_choose(&rq, now, &wake));
	assert_int_equal(wake, now + 3);
	assert_ptr_equal(runq_choose(&rq, now + 3, &wake), &a.task);
}

/* --- Ends */

static void test_the_end(void **state)
{
	struct runq rq;
	struct waitq q;
	struct worker a = { .works = MS, .ends = true }, b = { .works = MS }, c = b;
	u64 wake;

	(void)state;
	begin(&rq);
	waitq_init(&q);
	task_init(&rq, &a.task, &ops, false);
	task_init(&rq, &b.task, &ops, false);
	task_init(&rq, &c.task, &ops, false);
	task_sleep(&b.task, &q, UINT64_MAX);
	assert_ptr_equal(turn(&rq), &a.task); /* ends itself */
	task_end(&b.task);		      /* while it waits */
	assert_true(list_empty(&q.tasks));
	waitq_wake(&q);
	task_end(&c.task); /* while it wants a turn */
	assert_true(list_empty(&rq.tasks));
	assert_null(runq_choose(&rq, now, &wake));
	assert_int_equal(a.turns, 1);
	task_init(&rq, &a.task, &ops, false); /* and anew */
	assert_ptr_equal(turn(&rq), &a.task);
}

/* --- With timers */

struct alarm {
	struct timer timer;
	struct worker *wakes;
	unsigned calls;
};

static void ring(struct timer *t)
{
	struct alarm *a = container_of(t, struct alarm, timer);

	a->calls++;
	task_wake(&a->wakes->task);
}

/* A timer ends a turn and an idle time, and what it wakes runs. */
static void test_timers_bound_turns(void **state)
{
	struct runq rq;
	struct worker busy = { .works = 1000 * MS }, w = { .works = MS };
	struct alarm a = { .timer = { .fn = ring }, .wakes = &w };
	u64 wake;

	(void)state;
	begin(&rq);
	task_init(&rq, &w.task, &ops, false);
	task_sleep(&w.task, NULL, UINT64_MAX);
	timer_add(&rq.timers, &a.timer, now + 3 * MS);
	assert_null(runq_choose(&rq, now, &wake));
	assert_int_equal(wake, now + 3 * MS);
	task_init(&rq, &busy.task, &ops, false);
	turn(&rq);
	assert_int_equal(busy.got, 3 * MS);
	assert_ptr_equal(runq_choose(&rq, now, &wake), &w.task);
	assert_int_equal(a.calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_time),
		cmocka_unit_test(test_random_tasks),
		cmocka_unit_test(test_a_sleeper_claims_no_past),
		cmocka_unit_test(test_who_is_charged),
		cmocka_unit_test(test_a_wake_up_ends_a_turn),
		cmocka_unit_test(test_the_order_of_waking),
		cmocka_unit_test(test_a_timeout_or_a_wake_up),
		cmocka_unit_test(test_no_wake_up_is_lost),
		cmocka_unit_test(test_urgent),
		cmocka_unit_test(test_a_rule),
		cmocka_unit_test(test_the_end),
		cmocka_unit_test(test_timers_bound_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
