/* SPDX-License-Identifier: MIT */
/*
 * The line editor (kernel/lib/lineedit.c) in front of the monitor's own terminal
 * (drivers/lib/terminal.c): what is submitted, and what the screen shows while typing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/lib/terminal.h"
#include "kernel/lib/lineedit.h"
#include "tests/unit/random.h"

#define COLUMNS 60u
#define ROWS	8u

static struct terminal terminal;
static struct lineedit e;
static char submitted[LINEEDIT_LINE];
static unsigned submits;
static char screen[ROWS][COLUMNS];

static void cell(unsigned x, unsigned y, u16 c)
{
	screen[y][x] = (char)c;
}

static const struct terminal_ops terminal_ops = { .cell = cell };

static void out(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	terminal_write(&terminal, s, n, true);
}

static void submit(void *ctx, const char *line)
{
	(void)ctx;
	strcpy(submitted, line);
	submits++;
	lineedit_redraw(&e);
}

static const char *candidate(void *ctx, const char *line, unsigned start, unsigned i)
{
	static const char *const commands[] = { "pause", "poweroff", "regs",
						"reset", "resume",   "vm list" };
	static const char *const names[] = { "debian" };

	(void)ctx;
	if (start == 0 || line[start - 1] == ';')
		return i < ARRAY_SIZE(commands) ? commands[i] : NULL;
	return !strncmp(line, "pause ", 6) && i < 1 ? names[i] : NULL;
}

static const struct lineedit_ops ops = { .out = out, .submit = submit, .candidate = candidate };

static int setup(void **unused)
{
	(void)unused;
	terminal_init(&terminal, &terminal_ops, COLUMNS, ROWS);
	lineedit_init(&e, &ops, "rl> ");
	lineedit_redraw(&e);
	submits = 0;
	submitted[0] = '\0';
	return 0;
}

static void type(const char *s)
{
	while (*s)
		lineedit_input(&e, (u8)*s++);
}

/* The cursor's row of the screen, without trailing spaces. */
static const char *row(unsigned y)
{
	static char text[COLUMNS + 1];
	unsigned n = COLUMNS;

	memcpy(text, screen[y], COLUMNS);
	while (n && text[n - 1] == ' ')
		n--;
	text[n] = '\0';
	return text;
}

static void check(const char *line, unsigned cursor)
{
	assert_string_equal(row(terminal.y), line);
	assert_int_equal(terminal.x, cursor);
}

static void test_typing(void **unused)
{
	(void)unused;
	type("stat debian");
	check("rl> stat debian", 15);
	type("\r");
	assert_string_equal(submitted, "stat debian");
	check("rl>", 4);
}

static void test_editing_in_the_middle(void **unused)
{
	(void)unused;
	type("pose\x1b[D\x1b[D\x7f"
	     "au"); /* po|se -> p|se -> pau|se */
	check("rl> pause", 7);
	type("\x01re\x05!\x1b[D\x1b[3~"); /* Home, insert, End, Delete */
	check("rl> repause", 11);
	type("\x01\x04\x04\r");
	assert_string_equal(submitted, "pause");
}

static void test_kill_keys(void **unused)
{
	(void)unused;
	type("one two  three\x17");
	check("rl> one two", 13); /* Ctrl-W leaves the spaces before the word */
	type("\x17");
	check("rl> one", 8);
	type("four\x1bOH\x1b[C\x0b"); /* Home, right, kill the rest */
	check("rl> o", 5);
	type("ther\x02\x02\x15");
	check("rl> er", 4);
	type("\x03x\r");
	assert_string_equal(submitted, "x");
	assert_int_equal(submits, 1);
}

static void test_history(void **unused)
{
	(void)unused;
	type("first\rsecond\rsecond\rhalf");
	type("\x1b[A");
	check("rl> second", 10);
	type("\x10");
	check("rl> first", 9);
	type("\x1b[A"); /* no older one */
	check("rl> first", 9);
	type("\x1b[B\x1b[B");
	check("rl> half", 8);
	type("\x1b[A\x1b[A\r");
	assert_string_equal(submitted, "first");
}

static void test_history_forgets_the_oldest(void **unused)
{
	char line[16] = "x0\r";

	(void)unused;
	for (int i = 0; i < 40; i++) {
		line[0] = (char)('A' + i);
		type(line);
	}
	for (int i = 0; i < 60; i++)
		type("\x10");
	type("\r");
	assert_string_equal(submitted, "I0"); /* 40 - 32 = the ninth */
}

static void test_completion(void **unused)
{
	(void)unused;
	type("pa\t");
	check("rl> pause", 10); /* and a space */
	type("d\t\r");
	assert_string_equal(submitted, "pause debian ");
	type("re\t"); /* regs, reset, resume: nothing more is certain */
	assert_string_equal(row(terminal.y - 1), "regs  reset  resume");
	check("rl> re", 6);
	type("s\tet\r");
	assert_string_equal(submitted, "reset");
	type("zz\t\r");
	assert_string_equal(submitted, "zz");
}

static void test_long_line_and_odd_bytes(void **unused)
{
	(void)unused;
	for (int i = 0; i < 1000; i++)
		type("y");
	type("\r");
	assert_int_equal(strlen(submitted), LINEEDIT_LINE - 1);
	type("a\x1b[1;5C\x1b[?25h\x1b\x1bz\x06"
	     "b\r"); /* sequences that mean nothing here */
	assert_string_equal(submitted, "ab");
}

static void test_words_and_kill_ring(void **unused)
{
	(void)unused;
	type("break on_timer+4 if eax\x1b\x7f");
	check("rl> break on_timer+4 if", 24);
	type("\x1b"
	     "b\x1b"
	     "b\x1b[1;5D");
	check("rl> break on_timer+4 if", 10);
	type("\x1b"
	     "d"); /* on_timer */
	check("rl> break +4 if", 10);
	type("\x05\x19");
	check("rl> break +4 if on_timer", 24);
	type("\x1b"
	     "y");
	check("rl> break +4 if eax", 19);
	type("\x1b"
	     "y"); /* round to the newest */
	check("rl> break +4 if on_timer", 24);
	type("\x01\x1b"
	     "f\x1b[1;3C");
	check("rl> break +4 if on_timer", 12);
	type("\x0bx\x1b"
	     "y"); /* behind another key it means nothing */
	check("rl> break +4x", 13);
	type("\x14\x02\x02\x14\r"); /* +4x, +x4, x+4 */
	assert_string_equal(submitted, "break x+4");
	type("\x15\x0b\x17\x19\r"); /* nothing is no kill */
	assert_string_equal(submitted, " if on_timer");
}

static void test_search(void **unused)
{
	(void)unused;
	type("x/4d esp\rregs\rx/8i eip\rstat\rhalf");
	type("\x12x/");
	check("(search) x/: x/8i eip", 21);
	type("\x12");
	check("(search) x/: x/4d esp", 21);
	type("\x12"); /* no older one */
	check("(search) x/: x/4d esp", 21);
	type("q");
	check("(search) x/q: x/4d esp", 22);
	type("\x7f\x7f\x7f"
	     "eip\x01"); /* another key takes it */
	check("rl> x/8i eip", 4);
	type("\x05!\r");
	assert_string_equal(submitted, "x/8i eip!");
	type("half\x12reg\x07");
	check("rl> half", 8);
	type("\x12reg\r");
	assert_string_equal(submitted, "regs");
	type("\x12zzz\x03y\r");
	assert_string_equal(submitted, "y");
}

static void test_names_in_expressions(void **unused)
{
	(void)unused;
	type("echo;pa\t");
	check("rl> echo;pause", 15);
	type("\x15pause [deb\t");
	check("rl> pause [debian", 18);
	type("\x15pause [\t"); /* nothing to complete */
	check("rl> pause [", 11);
}

/* Whatever comes, the line stays inside its bounds, and the screen shows it. */
static void test_noise(void **unused)
{
	static const u8 often[] = { 0x1b, '[',	'\r', '\t', 0x12, 0x19,
				    0x17, 0x0b, 0x14, 'p',  ' ',  ';' };

	(void)unused;
	random_state = 15;
	for (unsigned i = 0; i < 1u << 20; i++) {
		u8 byte = one_in(3) ? often[rnd() % sizeof(often)] : (u8)rnd();

		lineedit_input(&e, byte);
		assert_true(e.len < LINEEDIT_LINE && e.cursor <= e.len && !e.line[e.len]);
		assert_true(strlen(e.line) == e.len);
	}
	type("\x1b[A\x07\x03still\r");
	assert_string_equal(submitted, "still");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_typing, setup),
		cmocka_unit_test_setup(test_editing_in_the_middle, setup),
		cmocka_unit_test_setup(test_kill_keys, setup),
		cmocka_unit_test_setup(test_history, setup),
		cmocka_unit_test_setup(test_history_forgets_the_oldest, setup),
		cmocka_unit_test_setup(test_completion, setup),
		cmocka_unit_test_setup(test_long_line_and_odd_bytes, setup),
		cmocka_unit_test_setup(test_words_and_kill_ring, setup),
		cmocka_unit_test_setup(test_search, setup),
		cmocka_unit_test_setup(test_names_in_expressions, setup),
		cmocka_unit_test_setup(test_noise, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
