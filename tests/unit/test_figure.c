/* SPDX-License-Identifier: MIT */
/*
 * kernel/base/figure.c: numbers for people, at their limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/base/figure.h"

static void test_thousands(void **unused)
{
	(void)unused;
	assert_string_equal(figure_thousands(0).text, "0");
	assert_string_equal(figure_thousands(999).text, "999");
	assert_string_equal(figure_thousands(1000).text, "1,000");
	assert_string_equal(figure_thousands(123456).text, "123,456");
	assert_string_equal(figure_thousands(1002003).text, "1,002,003");
	assert_string_equal(figure_thousands(UINT64_MAX).text, "18,446,744,073,709,551,615");
}

static void test_share(void **unused)
{
	(void)unused;
	assert_string_equal(figure_share(0, 0).text, "-");
	assert_string_equal(figure_share(5, 0).text, "-");
	assert_string_equal(figure_share(0, 7).text, "0.0");
	assert_string_equal(figure_share(1, 3).text, "33.3");
	assert_string_equal(figure_share(2, 3).text, "66.7");
	assert_string_equal(figure_share(9999, 10000).text, "100.0");
	assert_string_equal(figure_share(UINT64_MAX, UINT64_MAX).text, "100.0");
	assert_string_equal(figure_share(UINT64_MAX / 2, UINT64_MAX).text, "50.0");
	assert_string_equal(figure_share(8, 4).text, "100.0");
}

static void test_rate(void **unused)
{
	(void)unused;
	assert_string_equal(figure_rate(0, 0).text, "0");
	assert_string_equal(figure_rate(1500, 1000000000).text, "1,500");
	assert_string_equal(figure_rate(1, 2000000).text, "500");
	assert_string_equal(figure_rate(10, 4000000000u).text, "3"); /* 2.5 */
	assert_string_equal(figure_rate(UINT64_MAX, 1000000000).text, "18,446,744,073,709,000,000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thousands),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
