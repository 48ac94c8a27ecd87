/* SPDX-License-Identifier: MIT */
/*
 * What terminals send, and the strokes that it means. Alone:
 * make build/unit/test_term_keys && build/unit/test_term_keys
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "kernel/base/string.h"
#include "vmm/term/term_keys.h"

static char said[256];

static void stroke(void *ctx, const u8 *keys, unsigned n)
{
	(void)ctx;
	assert_in_range(n, 1, TERM_KEYS_MOST);
	for (unsigned i = 0; i < n; i++)
		sprintf(said + strlen(said), i ? "-%02x" : " %02x", keys[i]);
}

static void place(void *ctx, u32 row, u32 column)
{
	(void)ctx;
	sprintf(said + strlen(said), " %ux%u", column, row);
}

/* ',' in the bytes: a while passes. */
static const struct {
	const char *bytes, *strokes;
} cases[] = {
	{ "aZ1!", " 1e 2a-2c 02 2a-02" },
	{ "\r\n\t\b\x7f ", " 1c 1c 0f 0e 0e 39" },
	{ "\x01\x1a\x03", " 1d-1e 1d-2c 1d-2e" },
	{ "\x1c\x1e\x1f", " 1d-2b 1d-2a-07 1d-2a-0c" },
	{ "\x1b,", " 01" },
	{ "\x1b,x", " 01 2d" },
	{ "\x1bx\x1bX\x1b\x18", " 38-2d 38-2a-2d 1d-38-2d" },
	{ "\x1b\x1b,", " 38-01" },
	{ "\x1b[,\x1bO,", " 38-1a 38-2a-18" },
	{ "\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F", " c8 d0 cd cb c7 cf" },
	{ "\x1bOA\x1bOH\x1bOM", " c8 c7 9c" },
	{ "\x1b[1;2A\x1b[1;3B\x1b[1;5C\x1b[1;8D", " 2a-c8 38-d0 1d-cd 1d-38-2a-cb" },
	{ "\x1b\x1b[A", " 38-c8" },
	{ "\x1b[2~\x1b[3~\x1b[5~\x1b[6~\x1b[1~\x1b[4~\x1b[3;5~", " d2 d3 c9 d1 c7 cf 1d-d3" },
	{ "\x1bOP\x1bOQ\x1bOR\x1bOS", " 3b 3c 3d 3e" },
	{ "\x1b[11~\x1b[15~\x1b[17~\x1b[21~\x1b[23~\x1b[24~", " 3b 3f 40 44 57 58" },
	{ "\x1b[1;2R\x1b[1;5P\x1b[[A\x1b[[E", " 2a-3d 1d-3b 3b 3f" },
	{ "\x1b[Z", " 2a-0f" },
	{ "\x1b[24;80R", " 80x24" },
	{ "\x1b[50;132Rq", " 132x50 10" },
	/* What means nothing is dropped whole: questions' answers, mice, pasting, UTF-8. */
	{ "\x1b[?62;4cx\x1b[200~y\x1b[99~z\x1b[<0;1;1Mq", " 2d 15 2c 10" },
	{ "\xc3\xa4x", " 2d" },
	{ "\x1b[99999999999999999999Ax", " c8 2d" },
	{ "\x1b[1;2;3;4;5Ax", " 2a-c8 2d" },
};

static void test_cases(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct term_keys t = { .stroke = stroke, .place = place };

		said[0] = '\0';
		for (const char *p = cases[i].bytes; *p; p++) {
			if (*p == ',')
				term_keys_idle(&t);
			else
				term_keys_byte(&t, (u8)*p);
		}
		assert_false(term_keys_pending(&t));
		assert_string_equal(said, cases[i].strokes);
	}
}

/* Ctrl-Space is a byte that no string holds. */
static void test_nul(void **state)
{
	struct term_keys t = { .stroke = stroke, .place = place };

	(void)state;
	said[0] = '\0';
	term_keys_byte(&t, 0);
	assert_string_equal(said, " 1d-2a-03"); /* Ctrl-@ */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests_name("term_keys", tests, NULL, NULL);
}
