/* SPDX-License-Identifier: MIT */
/*
 * Completions, and disks behind them: requests that are checked, carried, queued, refused and
 * cancelled; media that change; a VM that is reset or destroyed while the host's disk is at work.
 * The host's disk here ends its transfers when the test says so, in any order. What must not be
 * touched any more is freed, so that ASan sees who does. Alone:
 * make build/unit/test_disk && build/unit/test_disk
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "emu/dev/disk_memory.h"
#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "tests/host/hostlib.h"
#include "tests/unit/random.h"

/* --- Completions */

static char order[64];
static unsigned ran, notified;
static struct completions queue;

struct letter {
	struct completion c;
	char name;
	struct letter *posts, *cancels;
};

static void run_letter(void *ctx)
{
	struct letter *l = ctx;

	order[ran++] = l->name;
	if (l->posts)
		completion_post(&queue, &l->posts->c);
	if (l->cancels)
		completion_cancel(&queue, &l->cancels->c);
}

static void notify(void *ctx)
{
	(void)ctx;
	notified++;
}

static void begin_letters(struct letter *l, unsigned n)
{
	completions_init(&queue, notify, NULL);
	ran = notified = 0;
	memset(order, 0, sizeof(order));
	for (unsigned i = 0; i < n; i++)
		l[i] = (struct letter){ .c = { .run = run_letter, .ctx = &l[i] },
					.name = (char)('a' + i) };
}

static void test_completions(void **state)
{
	struct letter l[6];

	(void)state;
	begin_letters(l, 6);
	assert_false(completions_pending(&queue));
	for (unsigned i = 0; i < 4; i++)
		completion_post(&queue, &l[i].c);
	completion_post(&queue, &l[1].c); /* is posted already */
	assert_int_equal(notified, 4);
	assert_true(completions_pending(&queue));
	completions_run(&queue);
	assert_string_equal(order, "abcd");
	completions_run(&queue);
	assert_int_equal(ran, 4);

	/* What is posted meanwhile runs the next time, also itself again. */
	begin_letters(l, 6);
	l[0].posts = &l[0];
	l[1].posts = &l[2];
	completion_post(&queue, &l[0].c);
	completion_post(&queue, &l[1].c);
	completions_run(&queue);
	assert_string_equal(order, "ab");
	completions_run(&queue);
	assert_string_equal(order, "abac");

	/* Cancelled wherever it is: first, middle, last; taken already or not. */
	for (unsigned who = 0; who < 4; who++) {
		begin_letters(l, 6);
		for (unsigned i = 0; i < 4; i++)
			completion_post(&queue, &l[i].c);
		completion_cancel(&queue, &l[who].c);
		completion_cancel(&queue, &l[who].c);
		completion_post(&queue, &l[4].c);
		completions_run(&queue);
		assert_int_equal(ran, 4);
		assert_null(strchr(order, 'a' + (int)who));
		assert_int_equal(order[3], 'e');
	}
	begin_letters(l, 6);
	l[0].posts = &l[3];
	l[0].cancels = &l[2]; /* by one that runs before it */
	for (unsigned i = 0; i < 3; i++)
		completion_post(&queue, &l[i].c);
	completions_run(&queue);
	completions_run(&queue);
	assert_string_equal(order, "abd");
	assert_false(completions_pending(&queue));
	begin_letters(l, 6);
	l[0].posts = &l[0]; /* runs in the place of the one that it cancels, and not for ever */
	l[0].cancels = &l[1];
	completion_post(&queue, &l[0].c);
	completion_post(&queue, &l[1].c);
	completions_run(&queue);
	assert_string_equal(order, "aa");
	completions_run(&queue);
	assert_string_equal(order, "aaa");
}

/* --- A host's disk, a VM's device */

#define DEPTH	 3
#define SECTORS	 1000
#define REQUESTS 8

struct host_disk {
	struct disk_backend backend;
	struct list work;
	u8 bytes[SECTORS * DISK_SECTOR];
	unsigned cancels;
};

static void host_submit(void *ctx, struct disk_transfer *t)
{
	struct host_disk *d = ctx;

	assert_true(t->sector <= d->backend.sectors);
	assert_true(t->sectors <= d->backend.sectors - t->sector);
	list_add_tail(&t->link, &d->work);
}

static void host_cancel(void *ctx, struct disk_transfer *t)
{
	(void)t;
	((struct host_disk *)ctx)->cancels++;
}

static const struct disk_ops host_ops = { .submit = host_submit, .cancel = host_cancel };

/* The nth transfer that is under way ends: what a host's interrupt does. False: there is none. */
static bool host_ends(struct host_disk *d, unsigned n, enum disk_result result)
{
	struct list *p = d->work.next;

	while (n-- && p != &d->work)
		p = p->next;
	if (p == &d->work)
		return false;

	struct disk_transfer *t = list_entry(p, struct disk_transfer, link);
	u8 *at = d->bytes + t->sector * DISK_SECTOR;

	list_del(&t->link);
	if (result == DISK_OK && t->op == DISK_READ)
		memcpy(t->data, at, t->sectors * DISK_SECTOR);
	if (result == DISK_OK && t->op == DISK_WRITE)
		memcpy(at, t->data, t->sectors * DISK_SECTOR);
	disk_complete(t, result);
	return true;
}

static struct host_disk *host_new(void)
{
	struct host_disk *d = calloc(1, sizeof(*d));

	list_init(&d->work);
	assert_int_equal(disk_backend_init(&d->backend, &host_ops, d, DEPTH), 0);
	for (u32 i = 0; i < sizeof(d->bytes); i++)
		d->bytes[i] = (u8)(i / DISK_SECTOR * 3 + i);
	disk_set_medium(&d->backend, SECTORS, false);
	return d;
}

static void host_free(struct host_disk *d)
{
	assert_int_equal(disk_backend_destroy(&d->backend), 0);
	free(d);
}

/* The VM: what is freed when it is destroyed. */
struct vm {
	struct completions completions;
	struct disk_port port;
	struct disk_request r[REQUESTS];
	u8 *data[REQUESTS];
	unsigned done[REQUESTS], changes, dones;
};

static void done(void *dev, struct disk_request *r)
{
	struct vm *v = dev;

	assert_false(r->pending);
	v->done[r - v->r]++;
	v->dones++;
}

static void changed(void *dev)
{
	((struct vm *)dev)->changes++;
}

static struct vm *vm_new(struct disk_backend *b)
{
	struct vm *v = calloc(1, sizeof(*v));

	completions_init(&v->completions, notify, NULL);
	assert_int_equal(disk_open(&v->port, b, &v->completions, changed, v), 0);
	for (unsigned i = 0; i < REQUESTS; i++)
		v->data[i] = malloc(DISK_MAX * DISK_SECTOR);
	return v;
}

static void vm_free(struct vm *v)
{
	disk_close(&v->port);
	assert_false(completions_pending(&v->completions));
	for (unsigned i = 0; i < REQUESTS; i++)
		free(v->data[i]);
	free(v);
}

static void submit(struct vm *v, unsigned i, enum disk_op op, u64 sector, u32 sectors)
{
	v->r[i] = (struct disk_request){ .op = op,
					 .sector = sector,
					 .sectors = sectors,
					 .data = v->data[i],
					 .done = done,
					 .dev = v };
	disk_submit(&v->port, &v->r[i]);
}

static void run_all(struct vm *v)
{
	while (completions_pending(&v->completions))
		completions_run(&v->completions);
}

/* --- Requests */

static void test_read_write(void **state)
{
	struct host_disk *d = host_new();
	struct vm *v = vm_new(&d->backend);

	(void)state;
	submit(v, 0, DISK_READ, 7, 2);
	assert_true(host_ends(d, 0, DISK_OK));
	assert_int_equal(v->done[0], 0); /* later, between two instructions */
	run_all(v);
	assert_int_equal(v->done[0], 1);
	assert_int_equal(v->r[0].result, DISK_OK);
	assert_memory_equal(v->data[0], d->bytes + 7 * DISK_SECTOR, 2 * DISK_SECTOR);
	memset(v->data[1], 0x5a, DISK_MAX * DISK_SECTOR);
	submit(v, 1, DISK_WRITE, SECTORS - DISK_MAX, DISK_MAX);
	submit(v, 2, DISK_FLUSH, 0, 0);
	memset(v->data[1], 0, DISK_SECTOR); /* the device's buffer is its own again */
	assert_true(host_ends(d, 0, DISK_OK));
	assert_true(host_ends(d, 0, DISK_FAILED));
	run_all(v);
	assert_int_equal(v->r[1].result, DISK_OK);
	assert_int_equal(v->r[2].result, DISK_FAILED);
	assert_int_equal(d->bytes[sizeof(d->bytes) - DISK_MAX * DISK_SECTOR], 0x5a);
	assert_int_equal(d->bytes[sizeof(d->bytes) - 1], 0x5a);
	vm_free(v);
	host_free(d);
}

static void test_refused(void **state)
{
	static const struct {
		u64 sector;
		u32 sectors;
		enum disk_op op;
		bool read_only;
		enum disk_result result;
	} t[] = {
		{ 0, 0, DISK_READ, false, DISK_OUT_OF_RANGE },
		{ 0, DISK_MAX + 1, DISK_READ, false, DISK_OUT_OF_RANGE },
		{ 0, UINT32_MAX, DISK_WRITE, false, DISK_OUT_OF_RANGE },
		{ SECTORS, 1, DISK_READ, false, DISK_OUT_OF_RANGE },
		{ SECTORS - 1, 2, DISK_WRITE, false, DISK_OUT_OF_RANGE },
		{ UINT64_MAX, 1, DISK_READ, false, DISK_OUT_OF_RANGE },
		{ UINT64_MAX, 2, DISK_READ, false, DISK_OUT_OF_RANGE },
		{ 0, 1, DISK_WRITE, true, DISK_READ_ONLY },
		{ SECTORS - 1, 1, DISK_WRITE, false, DISK_OK },
		{ 0, 1, DISK_READ, true, DISK_OK },
		{ UINT64_MAX, UINT32_MAX, DISK_FLUSH, true, DISK_OK },
	};
	struct host_disk *d = host_new();
	struct vm *v = vm_new(&d->backend);

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		disk_set_medium(&d->backend, SECTORS, t[i].read_only);
		run_all(v);
		v->dones = 0;
		submit(v, 0, t[i].op, t[i].sector, t[i].sectors);
		assert_int_equal(v->dones, 0);
		assert_int_equal(host_ends(d, 0, DISK_OK), t[i].result == DISK_OK);
		run_all(v);
		assert_int_equal(v->dones, 1);
		assert_int_equal(v->r[0].result, t[i].result);
	}
	/* No medium; no drive. */
	disk_set_medium(&d->backend, 0, false);
	submit(v, 0, DISK_READ, 0, 1);
	run_all(v);
	assert_int_equal(v->r[0].result, DISK_NO_MEDIUM);
	vm_free(v);
	v = vm_new(NULL);
	submit(v, 0, DISK_FLUSH, 0, 0);
	submit(v, 1, DISK_READ, 0, 1);
	run_all(v);
	assert_int_equal(v->r[1].result, DISK_NO_MEDIUM);
	assert_int_equal(v->dones, 2);
	vm_free(v);
	host_free(d);
}

/* More requests than transfers: the first ones first. */
static void test_queue(void **state)
{
	struct host_disk *d = host_new();
	struct vm *v = vm_new(&d->backend);

	(void)state;
	for (unsigned i = 0; i < REQUESTS; i++)
		submit(v, i, DISK_READ, i * 10, 1);
	for (unsigned i = 0; i < REQUESTS; i++) {
		unsigned n = 0;

		for (struct list *p = d->work.next; p != &d->work; p = p->next)
			n++;
		assert_int_equal(n, MIN((u32)DEPTH, (u32)(REQUESTS - i)));
		assert_int_equal(list_entry(d->work.next, struct disk_transfer, link)->sector,
				 i * 10);
		host_ends(d, 0, DISK_OK);
		run_all(v);
		assert_int_equal(v->done[i], 1);
		assert_memory_equal(v->data[i], d->bytes + i * 10 * DISK_SECTOR, DISK_SECTOR);
	}
	vm_free(v);
	host_free(d);
}

/* Under way, waiting or ended when the medium goes: not one byte of either is taken for the
 * other's. */
static void test_medium_changes(void **state)
{
	struct host_disk *d = host_new();
	struct vm *v = vm_new(&d->backend);

	(void)state;
	for (unsigned i = 0; i < DEPTH + 1; i++)
		submit(v, i, DISK_READ, i, 1);
	d->bytes[9 * DISK_SECTOR] = 1;
	memset(v->data[DEPTH + 1], 2, DISK_SECTOR);
	submit(v, DEPTH + 1, DISK_WRITE, 9, 1); /* waits, and is not for what comes next */
	host_ends(d, 0, DISK_OK);
	disk_set_medium(&d->backend, SECTORS / 2, false);
	submit(v, DEPTH + 2, DISK_READ, SECTORS / 2 - 1, 1);
	while (host_ends(d, 0, DISK_OK) || completions_pending(&v->completions))
		run_all(v);
	assert_int_equal(v->changes, 1);
	for (unsigned i = 0; i < DEPTH + 2; i++)
		assert_int_equal(v->r[i].result, DISK_CHANGED);
	assert_int_equal(v->r[DEPTH + 2].result, DISK_OK);
	assert_int_equal(v->dones, DEPTH + 3);
	assert_int_equal(d->bytes[9 * DISK_SECTOR], 1);
	vm_free(v);
	host_free(d);
}

/* Waiting, refused, under way, ended: cancelled, it is not heard of any more. */
static void test_cancel(void **state)
{
	struct host_disk *d = host_new();
	struct vm *v = vm_new(&d->backend);

	(void)state;
	for (unsigned i = 0; i < DEPTH + 1; i++)
		submit(v, i, DISK_READ, i, 1);
	submit(v, 6, DISK_READ, SECTORS, 1);
	host_ends(d, 1, DISK_OK);
	for (unsigned i = 0; i < 7; i++) {
		disk_cancel(&v->port, &v->r[i]);
		disk_cancel(&v->port, &v->r[i]);
		free(v->data[i]); /* nobody writes there */
		v->data[i] = NULL;
	}
	/* The back end was told of those that it still had, and of the one that then got the free
	 * transfer. */
	assert_int_equal(d->cancels, DEPTH);
	while (host_ends(d, 0, DISK_OK))
		run_all(v);
	assert_int_equal(v->dones, 0);
	submit(v, 7, DISK_READ, 3, 1); /* all transfers are free again */
	assert_true(host_ends(d, 0, DISK_OK));
	run_all(v);
	assert_int_equal(v->done[7], 1);
	vm_free(v);
	host_free(d);
}

/* A device that was reset over and over does not get more transfers than there are. */
static void test_reset(void **state)
{
	struct host_disk *d = host_new();
	struct vm *v = vm_new(&d->backend);

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < REQUESTS; i++)
			submit(v, i, DISK_WRITE, i, 1);
		disk_cancel_all(&v->port);
	}
	submit(v, 0, DISK_READ, 500, 1);
	for (unsigned i = 0; i < DEPTH; i++)
		assert_true(host_ends(d, 0, DISK_OK));
	assert_false(host_ends(d, 0, DISK_OK)); /* what was cancelled occupied all of them */
	run_all(v);
	assert_true(host_ends(d, 0, DISK_OK));
	run_all(v);
	assert_int_equal(v->dones, 1);
	assert_memory_equal(v->data[0], d->bytes + 500 * DISK_SECTOR, DISK_SECTOR);
	vm_free(v);
	host_free(d);
}

/* The VM goes; transfers end before, in between and after; another VM gets the disk. */
static void test_destroy(void **state)
{
	struct host_disk *d = host_new();
	struct vm *v = vm_new(&d->backend), *other;

	(void)state;
	assert_int_equal(disk_open(&(struct disk_port){ 0 }, &d->backend, &v->completions, NULL, v),
			 E_BUSY);
	for (unsigned i = 0; i < REQUESTS; i++)
		submit(v, i, DISK_READ, i, 1);
	host_ends(d, 1, DISK_OK); /* posted, and never run */
	disk_set_medium(&d->backend, SECTORS, false);
	assert_int_equal(disk_backend_destroy(&d->backend), E_BUSY);
	vm_free(v);
	assert_int_equal(disk_backend_destroy(&d->backend), E_BUSY); /* two are under way */
	host_ends(d, 0, DISK_OK);
	other = vm_new(&d->backend);
	for (unsigned i = 0; i < DEPTH; i++)
		submit(other, i, DISK_READ, 100 + i, 1);
	while (host_ends(d, 0, DISK_OK))
		run_all(other);
	assert_int_equal(other->dones, DEPTH);
	assert_memory_equal(other->data[2], d->bytes + 102 * DISK_SECTOR, DISK_SECTOR);
	vm_free(other);
	host_free(d);
}

/* A done function that does what device code does there: the next request, or the end of it all. */
static struct vm *ending;

static void done_closes(void *dev, struct disk_request *r)
{
	(void)r;
	assert_ptr_equal(dev, ending);
	disk_close(&ending->port);
	ending->dones++;
}

static void done_again(void *dev, struct disk_request *r)
{
	struct vm *v = dev;

	if (++v->dones < 5)
		disk_submit(&v->port, r);
}

static void test_in_done(void **state)
{
	struct host_disk *d = host_new();
	struct vm *v = vm_new(&d->backend);

	(void)state;
	v->r[0] = (struct disk_request){
		.sectors = 1, .data = v->data[0], .done = done_again, .dev = v
	};
	disk_submit(&v->port, &v->r[0]);
	while (host_ends(d, 0, DISK_OK))
		run_all(v);
	assert_int_equal(v->dones, 5);
	ending = v;
	for (unsigned i = 0; i < 3; i++) { /* refused, and carried */
		v->dones = 0;
		for (unsigned k = 0; k < REQUESTS; k++) {
			v->r[k] = (struct disk_request){ .sectors = k % 3 == i ? 0 : 1,
							 .data = v->data[k],
							 .done = done_closes,
							 .dev = v };
			disk_submit(&v->port, &v->r[k]);
		}
		host_ends(d, 0, DISK_OK);
		run_all(v);
		assert_int_equal(v->dones, 1);
		while (host_ends(d, 0, DISK_OK))
			;
		assert_int_equal(disk_open(&v->port, &d->backend, &v->completions, changed, v), 0);
	}
	vm_free(v);
	host_free(d);
}

/* --- Anything, at any time */

struct expectation {
	bool waits;
	enum disk_op op;
	u64 sector;
	u8 fill;
};

static void test_random(void **state)
{
	struct host_disk *d = host_new();
	struct vm *v = vm_new(&d->backend);
	struct expectation e[REQUESTS] = { 0 };
	unsigned dones = 0, results[DISK_FAILED + 1] = { 0 };

	(void)state;
	random_state = 0xb10c;
	for (unsigned step = 0; step < 200000; step++) {
		unsigned i = (unsigned)(rnd() % REQUESTS);

		if (!one_in(3) && !v->r[i].pending) {
			/* Each slot has sectors of its own, so that the order is that of its
			 * requests. */
			e[i] = (struct expectation){ .waits = true,
						     .op = (enum disk_op)(rnd() % 3),
						     .sector = i * 100 + rnd() % 99,
						     .fill = (u8)rnd() };
			if (one_in(50))
				e[i].sector = UINT64_MAX - rnd() % 9;
			memset(v->data[i], e[i].fill, DISK_SECTOR);
			submit(v, i, e[i].op, e[i].sector, 1);
		} else if (one_in(2)) {
			host_ends(d, (unsigned)(rnd() % DEPTH), one_in(9) ? DISK_FAILED : DISK_OK);
		} else if (one_in(2)) {
			completions_run(&v->completions);
		} else if (one_in(8)) {
			disk_cancel(&v->port, &v->r[i]);
			e[i].waits = false;
		} else if (one_in(50)) {
			disk_set_medium(&d->backend, one_in(3) ? 0 : SECTORS, one_in(2));
		} else if (one_in(50)) {
			disk_cancel_all(&v->port);
			memset(e, 0, sizeof(e));
		} else if (one_in(100)) {
			vm_free(v);
			v = vm_new(&d->backend);
			memset(e, 0, sizeof(e));
		}
		for (unsigned k = 0; k < REQUESTS; k++) {
			assert_int_equal(v->done[k] != 0, e[k].waits && !v->r[k].pending);
			if (!v->done[k])
				continue;
			assert_int_equal(v->done[k], 1);
			v->done[k] = 0;
			e[k].waits = false;
			results[v->r[k].result]++;
			dones++;
			if (v->r[k].result == DISK_OK && e[k].op != DISK_FLUSH)
				assert_memory_equal(v->data[k],
						    d->bytes + e[k].sector * DISK_SECTOR,
						    DISK_SECTOR);
		}
	}
	vm_free(v);
	while (host_ends(d, 0, DISK_OK))
		;
	host_free(d);
	assert_true(dones > 10000);
	for (unsigned r = 0; r < ARRAY_SIZE(results); r++)
		assert_true(results[r] > 50);
}

/* --- The medium in memory, and no memory */

static void test_memory(void **state)
{
	static u8 image[20 * DISK_SECTOR + 100], other[5 * DISK_SECTOR];
	struct disk_memory m;
	struct vm *v;

	(void)state;
	assert_int_equal(disk_memory_init(&m, image, sizeof(image), false), 0);
	v = vm_new(&m.backend);
	memset(v->data[0], 0x77, DISK_SECTOR);
	submit(v, 0, DISK_WRITE, 19, 1);
	submit(v, 1, DISK_WRITE, 20, 1); /* not a whole sector */
	for (unsigned i = 2; i < REQUESTS; i++)
		submit(v, i, DISK_READ, 19, 1);
	assert_int_equal(v->dones, 0);
	run_all(v);
	assert_int_equal(v->dones, REQUESTS);
	assert_int_equal(image[20 * DISK_SECTOR - 1], 0x77);
	assert_int_equal(image[20 * DISK_SECTOR], 0);
	assert_int_equal(v->r[1].result, DISK_OUT_OF_RANGE);
	assert_int_equal(v->data[REQUESTS - 1][0], 0x77);
	disk_memory_insert(&m, other, sizeof(other), true);
	submit(v, 0, DISK_WRITE, 0, 1);
	submit(v, 1, DISK_READ, 4, 1);
	run_all(v);
	assert_int_equal(v->changes, 1);
	assert_int_equal(v->r[0].result, DISK_READ_ONLY);
	assert_int_equal(v->data[1][0], 0);
	vm_free(v);
	assert_int_equal(disk_backend_destroy(&m.backend), 0);
	for (unsigned n = 1; n <= 2; n++) {
		hostlib_fails_at = n;
		assert_int_equal(disk_memory_init(&m, image, sizeof(image), false), E_NOMEM);
	}
	hostlib_fails_at = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_completions),    cmocka_unit_test(test_read_write),
		cmocka_unit_test(test_refused),	       cmocka_unit_test(test_queue),
		cmocka_unit_test(test_medium_changes), cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_reset),	       cmocka_unit_test(test_destroy),
		cmocka_unit_test(test_in_done),	       cmocka_unit_test(test_random),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
