/* SPDX-License-Identifier: MIT */
/*
 * The pager (kernel/lib/text_pager.c) in front of the monitor's own terminal
 * (drivers/lib/terminal.c): what stands on the screen after each key; and the answer to the
 * question how large a terminal is. Alone: make build/unit/test_text_pager &&
 * build/unit/test_text_pager
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/lib/terminal.h"
#include "kernel/lib/cursor_answer.h"
#include "kernel/lib/text_pager.h"
#include "tests/unit/random.h"

#define COLUMNS 40u
#define ROWS	30u

static struct terminal terminal;
static struct pager p;
static char screen[ROWS][COLUMNS];
static size_t went_out;

static void cell(unsigned x, unsigned y, u16 c)
{
	screen[y][x] = (char)c;
}

static const struct terminal_ops terminal_ops = { .cell = cell };

static void out(const char *s, size_t n)
{
	went_out += n;
	terminal_write(&terminal, s, n, true);
}

static int setup(void **unused)
{
	(void)unused;
	terminal_init(&terminal, &terminal_ops, COLUMNS, ROWS);
	p.out = out;
	pager_begin(&p, false);
	went_out = 0;
	return 0;
}

static const char *row(unsigned y)
{
	static char text[COLUMNS + 1];
	unsigned n = COLUMNS;

	memcpy(text, screen[y], COLUMNS);
	while (n && (text[n - 1] == ' ' || !text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static void print_lines(unsigned first, unsigned last)
{
	for (; first <= last; first++) {
		char text[40];
		int n = snprintf(text, sizeof(text), "line %u of the text\n", first);

		pager_print(&p, text, (size_t)n);
	}
}

/* The rows above the prompt are these lines. */
static void check_page(unsigned first, unsigned last)
{
	char text[40];

	assert_memory_equal(row(terminal.y), "--more--", 8);
	for (unsigned n = last, y = terminal.y; n >= first && y-- > 0; n--) {
		snprintf(text, sizeof(text), "line %u of the text", n);
		assert_string_equal(row(y), text);
	}
}

static void keys(const char *s)
{
	while (*s)
		assert_true(pager_key(&p, (u8)*s++));
}

/* What fits on a screen that nobody has asked goes out at once. */
static void test_short(void **unused)
{
	(void)unused;
	print_lines(1, 22);
	assert_false(pager_has_more(&p));
	assert_string_equal(row(21), "line 22 of the text");
	print_lines(23, 23);
	assert_true(pager_has_more(&p));
	assert_string_equal(row(22), "");
	assert_false(pager_start(&p, ROWS, COLUMNS)); /* it is larger than that */
	assert_string_equal(row(22), "line 23 of the text");
}

static void test_pages(void **unused)
{
	(void)unused;
	print_lines(1, 200);
	assert_true(pager_start(&p, ROWS, COLUMNS));
	check_page(1, 29);
	keys(" ");
	check_page(30, 58);
	keys("\r");
	check_page(31, 59);
	keys("b");
	check_page(2, 30);
	keys("b");
	check_page(1, 29);
	keys("x\x1b[B"); /* others do nothing */
	check_page(1, 29);
	keys("    ");
	check_page(117, 145);
	assert_false(pager_key(&p, 'G'));
	assert_string_equal(row(terminal.y - 1), "line 200 of the text");
	assert_string_equal(row(terminal.y), "");
}

static void test_quit(void **unused)
{
	(void)unused;
	print_lines(1, 100);
	assert_true(pager_start(&p, ROWS, COLUMNS));
	assert_false(pager_key(&p, 'q'));
	assert_string_equal(row(terminal.y), ""); /* the prompt's line is empty again */
	assert_string_equal(row(terminal.y - 1), "line 29 of the text");
}

static void test_search(void **unused)
{
	(void)unused;
	print_lines(1, 200);
	assert_true(pager_start(&p, ROWS, COLUMNS));
	keys("/line 70x\x7f of");
	assert_string_equal(row(terminal.y), "/line 70 of");
	keys("\r");
	check_page(70, 98);
	keys("/ 10\rn");
	check_page(101, 129);
	keys("/nowhere\r");
	assert_string_equal(row(terminal.y - 1), "not found");
	keys("/\x7f ");
	check_page(130, 158);
	keys("/line 200");
	assert_false(pager_key(&p, '\r')); /* the rest is no whole page */
	assert_string_equal(row(terminal.y), "");
}

static void test_hide(void **unused)
{
	(void)unused;
	print_lines(1, 100);
	assert_true(pager_start(&p, ROWS, COLUMNS));
	pager_hide(&p);
	out("[ 1.0] a line of the log\n", 25);
	pager_show(&p);
	assert_string_equal(row(terminal.y - 1), "[ 1.0] a line of the log");
	keys(" ");
	check_page(30, 58);
}

/* Lines that are wider than the screen take several rows, tabs up to eight. */
static void test_wide(void **unused)
{
	char wide[101];

	(void)unused;
	memset(wide, 'w', 99);
	wide[99] = '\n';
	for (unsigned i = 0; i < 100; i++)
		pager_print(&p, wide, 100);
	assert_true(pager_start(&p, 10, COLUMNS));
	for (unsigned i = 0; i < 20; i++) {
		unsigned y = terminal.y;

		assert_memory_equal(row(y), "--more--", 8);
		keys(" "); /* nine rows: three of these lines */
		assert_memory_equal(row(terminal.y), "--more--", 8);
		assert_int_equal(strlen(row(terminal.y - 1)), 19);
		assert_int_equal(strlen(row(terminal.y - 9)), COLUMNS);
	}
}

/* More than there is room for, or a script's: all of it, in its order. */
static void test_passes(void **unused)
{
	(void)unused;
	print_lines(1, 20000);
	assert_false(pager_has_more(&p));
	assert_string_equal(row(terminal.y - 1), "line 20000 of the text");
	pager_begin(&p, true);
	print_lines(1, 100);
	assert_false(pager_has_more(&p));
	pager_begin(&p, false);
	print_lines(1, 100);
	pager_flush(&p);
	assert_false(pager_has_more(&p));
}

static void test_random(void **unused)
{
	static const char letters[] = " \rbnG/q\x7f\x1b\tline 1\x80\n";

	(void)unused;
	random_state = 15;
	for (unsigned round = 0; round < 300; round++) {
		unsigned lines = (unsigned)(rnd() % 300);

		pager_begin(&p, false);
		for (unsigned i = 0; i < lines; i++) {
			char text[200];
			size_t n = (size_t)(rnd() % sizeof(text));

			memset(text, 'a' + (int)(rnd() % 4), n);
			for (size_t k = 0; k < n; k++)
				if (one_in(30))
					text[k] = one_in(2) ? '\n' : '\t';
			pager_print(&p, text, n);
		}
		if (!pager_has_more(&p) || !pager_start(&p, (u32)(rnd() % 40), (u32)(rnd() % 100)))
			continue;
		for (unsigned i = 0; i < 300; i++) {
			u8 key = (u8)letters[rnd() % (sizeof(letters) - 1)];

			if (!pager_key(&p, key))
				break;
			assert_true(p.shown < p.size && p.page <= p.shown);
		}
	}
}

static enum cursor_said answer(struct cursor_answer *a, const char *s)
{
	enum cursor_said said = CURSOR_MORE;

	*a = (struct cursor_answer){ .n = 0 };
	while (*s && said == CURSOR_MORE)
		said = cursor_answer_byte(a, (u8)*s++);
	assert_int_equal(*s, '\0');
	return said;
}

static void test_answer(void **unused)
{
	struct cursor_answer a;

	(void)unused;
	assert_int_equal(answer(&a, "\x1b[24;80R"), CURSOR_ANSWERED);
	assert_int_equal(a.number[0], 24);
	assert_int_equal(a.number[1], 80);
	assert_int_equal(answer(&a, "\x1b[24;8"), CURSOR_MORE);
	assert_int_equal(answer(&a, "x"), CURSOR_OTHER);
	assert_int_equal(answer(&a, "\x1bO"), CURSOR_OTHER);
	assert_int_equal(answer(&a, "\x1b[24R"), CURSOR_OTHER);
	assert_int_equal(answer(&a, "\x1b[24;80;"), CURSOR_OTHER);
	assert_int_equal(answer(&a, "\x1b[24;80H"), CURSOR_OTHER);
	assert_int_equal(answer(&a, "\x1b[99999"), CURSOR_OTHER);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		CASE(test_short),  CASE(test_pages),  CASE(test_quit),
		CASE(test_search), CASE(test_hide),   CASE(test_wide),
		CASE(test_passes), CASE(test_random), CASE(test_answer),
	};

	return cmocka_run_group_tests_name("text_pager", tests, NULL, NULL);
}
