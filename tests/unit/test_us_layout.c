/* SPDX-License-Identifier: MIT */
/*
 * Keys by character and by name. Alone:
 * make build/unit/test_us_layout && build/unit/test_us_layout
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/base/string.h"
#include "kernel/hw/pc_keys.h"
#include "kernel/lib/us_layout.h"

static void test_characters(void **state)
{
	bool shift;

	(void)state;
	/* All that is printable has a key, and the key prints it. */
	for (char c = ' '; c < 0x7f; c++) {
		u8 key = us_key_of_char(c, &shift);

		assert_int_not_equal(key, KEY_NONE);
		assert_int_equal(us_char_of_key(key, shift), c);
	}
	assert_int_equal(us_key_of_char('A', &shift), KEY_A);
	assert_true(shift);
	assert_int_equal(us_key_of_char('a', &shift), KEY_A);
	assert_false(shift);
	assert_int_equal(us_key_of_char('*', &shift), KEY_1 + 7); /* not the keypad's */
	assert_int_equal(us_key_of_char('\r', &shift), KEY_ENTER);
	assert_int_equal(us_key_of_char('\n', &shift), KEY_ENTER);
	assert_int_equal(us_key_of_char(0x7f, &shift), KEY_BACKSPACE);
	assert_int_equal(us_key_of_char('\x1b', &shift), KEY_ESC);
	assert_int_equal(us_key_of_char('\0', &shift), KEY_NONE);
	assert_int_equal(us_key_of_char('\x01', &shift), KEY_NONE);
	assert_int_equal(us_key_of_char((char)0xe4, &shift), KEY_NONE);
	for (unsigned key = KEY_SPACE + 1; key < 256; key++)
		assert_int_equal(us_char_of_key((u8)key, false), 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(key_by_name("ctrl-alt", 4), KEY_CTRL);
	assert_int_equal(key_by_name("ctrl_r", 6), KEY_CTRL_R);
	assert_int_equal(key_by_name("delete", 6), KEY_DELETE);
	assert_int_equal(key_by_name("del", 3), KEY_DELETE);
	assert_int_equal(key_by_name("f10", 3), KEY_F10);
	assert_int_equal(key_by_name("f1", 2), KEY_F1);
	assert_int_equal(key_by_name("a", 1), KEY_A);
	assert_int_equal(key_by_name("0", 1), KEY_0);
	assert_int_equal(key_by_name("0xc8", 4), KEY_UP);
	assert_int_equal(key_by_name("0x100", 5), KEY_NONE);
	assert_int_equal(key_by_name("0x", 2), KEY_NONE);
	assert_int_equal(key_by_name("0xzz", 4), KEY_NONE);
	assert_int_equal(key_by_name("f13", 3), KEY_NONE);
	assert_int_equal(key_by_name("ctr", 3), KEY_NONE);
	assert_int_equal(key_by_name("", 0), KEY_NONE);
	assert_int_equal(key_by_name("A", 1), KEY_NONE);
	for (unsigned i = 0; key_name(i); i++)
		assert_int_not_equal(key_by_name(key_name(i), strlen(key_name(i))), KEY_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_characters),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("us_layout", tests, NULL, NULL);
}
