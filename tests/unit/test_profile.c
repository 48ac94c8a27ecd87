/* SPDX-License-Identifier: MIT */
/*
 * emu/dbg/dbg_profile.c: stacks are counted by themselves, a full table says what it lost, and what
 * is printed adds up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "emu/dbg/dbg_profile.h"
#include "emu/dbg/dbg_symbols.h"
#include "tests/unit/said.h"

static const char names[] = "1000 T outer\n2000 T inner\n";

static void test_counts(void **unused)
{
	static const char *const marks[] = { "raw", "code", NULL };
	u32 deep[] = { 0x2004, 0x1008, 0x1000 }, flat[] = { 0x2010 }, alone[] = { 0x90000000 };
	struct dbg_symbols symbols;
	struct profile p;

	(void)unused;
	said[0] = '\0';
	assert_null(dbg_symbols_load(&symbols, names, sizeof(names) - 1));
	assert_int_equal(profile_create(&p, 64), 0);
	for (unsigned i = 0; i < 5; i++)
		profile_add(&p, 0, deep, 3);
	profile_add(&p, 1, deep, 3);
	profile_add(&p, 1, flat, 1);
	profile_add(&p, 1, alone, 1);
	assert_int_equal(p.samples, 8);
	assert_int_equal(profile_print(&p, &symbols, 9, marks, &out), 0);
	assert_string_equal(said, "samples      %   raw  code  address\n"
				  "      7   87.5  71.4  28.6  00002000 <inner>\n"
				  "      1   12.5   0.0 100.0  90000000\n");
	said[0] = '\0';
	profile_print_folded(&p, &symbols, &out);
	assert_non_null(strstr(said, "outer;outer;inner 5\n"));
	assert_non_null(strstr(said, "outer;outer;inner 1\n"));
	assert_non_null(strstr(said, "90000000 1\n"));
	profile_destroy(&p);
	dbg_symbols_free(&symbols);
}

#define PLACES 1000u

static void test_full(void **unused)
{
	static const char *const marks[] = { NULL };
	struct profile p;
	u32 kept = 0;

	(void)unused;
	assert_int_equal(profile_create(&p, 256), 0);
	for (u32 i = 0; i < PLACES; i++)
		profile_add(&p, 0, &i, 1);
	for (u32 i = 0; i < p.size; i++)
		kept += p.stack[i].count;
	assert_int_equal(p.samples, PLACES);
	assert_int_equal(kept + p.lost, PLACES);
	assert_true(kept > 200);
	said[0] = '\0';
	assert_int_equal(profile_print(&p, NULL, 3, marks, &out), 0);
	assert_int_equal(strlen(said) > 0, 1);
	profile_destroy(&p);
}

/* A line has room for the count, however deep and long the names. */
static void test_long_names(void **unused)
{
	char text[PROFILE_DEPTH * 48] = "";
	u32 at[PROFILE_DEPTH];
	struct dbg_symbols symbols;
	struct profile p;

	(void)unused;
	for (u32 i = 0; i < PROFILE_DEPTH; i++) {
		at[i] = 0x1000 * (i + 1);
		sprintf(text + strlen(text), "%x T a_function_of_a_long_name_%u\n", at[i], i);
	}
	assert_null(dbg_symbols_load(&symbols, text, strlen(text)));
	assert_int_equal(profile_create(&p, 16), 0);
	profile_add(&p, 0, at, PROFILE_DEPTH);
	said[0] = '\0';
	profile_print_folded(&p, &symbols, &out);
	assert_true(strlen(said) < DBG_LINE);
	assert_string_equal(said + strlen(said) - 3, " 1\n");
	profile_destroy(&p);
	dbg_symbols_free(&symbols);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
