/* SPDX-License-Identifier: MIT */
/*
 * What a stream's two machines must share: a stream of this version, and one that was saved before
 * there were models of processors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "emu/board/fingerprint.h"
#include "emu/cpu/cpu_model.h"
#include "tests/unit/tape.h"

static struct snap s;
static struct tape t;

static const struct fingerprint machine = {
	.ram_size = 64 * MiB, .tsc_khz = 2000000, .now = 12345, .tsc = 67890
};

static bool finish(void)
{
	bool ok = snap_finish(&s);

	free(t.bytes);
	t = (struct tape){ 0 };
	return ok;
}

/* By a machine with that model; its stream stays on the tape. */
static void save(u32 model)
{
	struct fingerprint f = machine;

	f.model = model;
	snap_save_to(&s, tape_put, &t);
	fingerprint_state(&f, &s);
	assert_true(snap_finish(&s));
}

/* As version 2 had them: no model. */
static void save_old(void)
{
	struct fingerprint f = machine;
	u32 id = 0;

	snap_save_to(&s, tape_put, &t);
	assert_true(snap_begin(&s, "machine", 2));
	snap_u64(&s, f.ram_size);
	snap_bool(&s, f.debug_exit);
	snap_u32(&s, f.tsc_khz);
	snap_u64(&s, f.now);
	snap_u64(&s, f.tsc);
	for (unsigned i = 0; i < FINGERPRINT_LEAVES * 4; i++)
		snap_u32(&s, id);
	snap_end(&s);
	assert_true(snap_finish(&s));
}

/* By a machine with that model. NULL: it is one that may. */
static const char *load(u32 model)
{
	struct fingerprint f = machine;

	f.model = model;
	f.now = f.tsc = 0;
	snap_load_from(&s, tape_get, &t);
	fingerprint_state(&f, &s);
	if (!finish())
		return s.error;
	assert_int_equal(f.now, machine.now);
	assert_int_equal(f.tsc, machine.tsc);
	return NULL;
}

static void test_model(void **state)
{
	(void)state;
	save(MODEL_PENTIUM2);
	assert_null(load(MODEL_PENTIUM2));
	save(MODEL_PENTIUM2);
	assert_non_null(strstr(load(MODEL_HOST), "cpu = pentium2; this one has cpu = host"));
	save(MODEL_HOST);
	assert_non_null(strstr(load(MODEL_ATHLON64), "cpu = host; this one has cpu = athlon64"));
}

static void test_old_stream(void **state)
{
	(void)state;
	save_old();
	assert_null(load(MODEL_HOST));
	save_old();
	assert_non_null(strstr(load(MODEL_PENTIUM), "cpu = host"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_old_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
