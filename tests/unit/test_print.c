/* SPDX-License-Identifier: MIT */
/*
 * kernel/base/print.c against the host's snprintf, and the string helpers that libc lacks.
 * Alone: make build/unit/test_print && build/unit/test_print
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kernel/base/error.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"

#define SAME(...)                                                          \
	do {                                                               \
		char a[128], b[128];                                       \
		int n = snprintf(a, sizeof(a), __VA_ARGS__);               \
		assert_int_equal(fmt_print(b, sizeof(b), __VA_ARGS__), n); \
		assert_string_equal(a, b);                                 \
	} while (0)

static void test_conversions(void **state)
{
	(void)state;
	SAME("%d %i %u", -5, 0, 4000000000u);
	SAME("[%5d][%-5d][%05d][%5s][%-5s|%.2s]", -42, -42, -42, "ab", "ab", "abcdef");
	SAME("%x %X %08x %llx %lu %zu", 0xbeefu, 0xbeefu, 0x12u, 0x123456789abcdefull, 7ul,
	     (size_t)9);
	SAME("%c%%%*d", 'x', 6, 12);
	SAME("%hhu %hx %lld", 0x1ff, 0x12345, (long long)INT64_MIN);
}

static void test_truncation(void **state)
{
	(void)state;
	char b[5];

	assert_int_equal(fmt_print(b, sizeof(b), "%s", "truncated"), 9);
	assert_string_equal(b, "trun");
	assert_int_equal(fmt_print(NULL, 0, "%d", 12345), 5);
}

static void test_numbers(void **state)
{
	(void)state;
	u64 v = 77;

	assert_int_equal(str_to_u64("0x1F", &v), 0);
	assert_int_equal(v, 0x1f);
	assert_int_equal(str_to_u64("18446744073709551615", &v), 0);
	assert_int_equal(v, UINT64_MAX);
	assert_int_equal(str_to_u64("18446744073709551616", &v), E_INVAL);
	assert_int_equal(str_to_u64("", &v), E_INVAL);
	assert_int_equal(str_to_u64("0x", &v), E_INVAL);
	assert_int_equal(str_to_u64("12a", &v), E_INVAL);
	assert_int_equal(v, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversions),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
