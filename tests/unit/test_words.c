/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/words.c: what is one command and what is one word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/lib/words.h"
#include "tests/unit/random.h"

#define WORDS 8

/* Commands are shown as [word|word], one behind the other; "!" is a quote that is not closed. */
static const char *shown(const char *line)
{
	static char text[512];
	char copy[256], *word[WORDS], *next;

	strcpy(copy, line);
	text[0] = '\0';
	for (char *p = copy; p; p = next) {
		int n;

		next = words_next_command(p);
		n = words_split(p, word, WORDS);
		strcat(text, n < 0 ? "!" : "[");
		for (int i = 0; i < n; i++) {
			strcat(text, i ? "|" : "");
			strcat(text, word[i]);
		}
		strcat(text, n < 0 ? "" : "]");
	}
	return text;
}

static void test_words(void **unused)
{
	(void)unused;
	assert_string_equal(shown(""), "[]");
	assert_string_equal(shown("  x/4b   esp "), "[x/4b|esp]");
	assert_string_equal(shown("regs;cont"), "[regs][cont]");
	assert_string_equal(shown(" regs ; ; cont;"), "[regs][][cont][]");
	assert_string_equal(shown("commands 1 \"regs; cont\"; stat"),
			    "[commands|1|regs; cont][stat]");
	assert_string_equal(shown("commands 1 'x/s \"a b\"'"), "[commands|1|x/s \"a b\"]");
	assert_string_equal(shown("say \"a \\\" b\" c"), "[say|a \\\" b|c]");
	assert_string_equal(shown("say \"\" ''"), "[say||]");
	assert_string_equal(shown("it's 5 o'clock; x"), "[it's|5|o'clock][x]");
	assert_string_equal(shown("a;\"b;c"), "[a]!");
	assert_string_equal(shown("say \"a\\"), "!");
	assert_string_equal(shown("1 2 3 4 5 6 7 8 9"), "[1|2|3|4|5|6|7|8]");
}

/* Whatever is typed, nothing behind its end is touched. */
static void test_noise(void **unused)
{
	static const char some[] = "ab ;\"'\\ ;";
	random_state = 15;

	(void)unused;
	for (unsigned round = 0; round < 20000; round++) {
		unsigned len = one_in(20) ? 0 : (unsigned)(rnd() % 40);
		char *text = strdup("0123456789012345678901234567890123456789");
		char *word[WORDS], *next;

		for (unsigned i = 0; i < len; i++)
			text[i] = some[rnd() % (sizeof(some) - 1)];
		text[len] = '\0';
		for (char *p = text; p; p = next) {
			int n;

			next = words_next_command(p);
			assert_true(!next || (next > text && next <= text + len));
			n = words_split(p, word, WORDS);
			for (int i = 0; i < n; i++)
				assert_true(word[i] >= p &&
					    word[i] + strlen(word[i]) <= text + len);
		}
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
