/* SPDX-License-Identifier: MIT */
/*
 * The configuration parser: values, defaults, and for each mistake its message and what it costs.
 * Alone: make build/unit/test_config && build/unit/test_config
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/config.h"

static char messages[4096];

static void collect(void *ctx, const char *message)
{
	(void)ctx;
	strcat(messages, message);
	strcat(messages, "\n");
}

static bool exists(void *ctx, const char *name)
{
	(void)ctx;
	return strcmp(name, "absent");
}

static unsigned parse(const char *text, struct config *c)
{
	messages[0] = '\0';
	return config_parse("t.conf", text, strlen(text), c, exists, collect, NULL);
}

static void test_values(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse("; comment\n[ringleader]\nconsole = both ; x\nexit=poweroff\nescape "
			       "= ctrl-a\n"
			       "\n[vm one]\r\n memory = 1G \nkernel = k\ninitrd = i\ncmdline = a=b "
			       "c\nengine = ring1\n"
			       "serial0 = log\nserial2 = console\non_triple_fault = "
			       "reset\ndebug_exit = yes\nautostart = no\n"
			       "[vm two]\nkernel = k",
			       &c),
			 0);
	assert_string_equal(messages, "");
	assert_int_equal(c.console, 3);
	assert_int_equal(c.exit, EXIT_POWEROFF);
	assert_int_equal(c.escape, 1);
	assert_int_equal(c.vms, 2);
	assert_int_equal(c.vm[0].memory, 1 * GiB);
	assert_string_equal(c.vm[0].cmdline, "a=b c");
	assert_int_equal(c.vm[0].engine, ENGINE_RING1);
	assert_int_equal(c.vm[0].serial[0], SERIAL_LOG);
	assert_int_equal(c.vm[0].serial[2], SERIAL_CONSOLE);
	assert_int_equal(c.vm[0].triple, TRIPLE_RESET);
	assert_true(c.vm[0].debug_exit);
	assert_false(c.vm[0].start);
	assert_int_equal(c.vm[1].memory, 64 * MiB);
	assert_int_equal(c.vm[1].serial[0], SERIAL_CONSOLE);
	assert_true(c.vm[1].start);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "[vm a]\nkernel=k\ncolour = blue\n",
		  "t.conf:3: colour = blue: unknown key in [vm a]" },
		{ "[vm a]\nkernel=k\nmemory = 12Q\n", "t.conf:3: memory = 12Q: not a size" },
		{ "[vm a]\nkernel=k\nmemory = 1M\n",
		  "t.conf:3: memory = 1M: not between 4M and 3G" },
		{ "[vm a]\nkernel=k\nmemory = 99999999999999999999\n", "t.conf:3: memory" },
		{ "[vm a]\nkernel=k\nengine = fast\n", "t.conf:3: engine = fast: not auto" },
		{ "[vm a]\nkernel=absent\n", "t.conf:2: kernel = absent: there is no such file" },
		{ "[vm a]\nkernel=k\nkernel=k\n", "t.conf:3: kernel = k: given twice" },
		{ "[vm a]\nmemory=64M\n", "t.conf:1: [vm a]: no kernel is given" },
		{ "[vm a]\nkernel\n", "t.conf:2: kernel: expected key = value" },
		{ "[vm ]\nkernel=k\n", "t.conf:1: [vm ]: a name has 1 to 31 characters" },
		{ "[other]\nx=y\n", "t.conf:1: [other]: unknown section" },
		{ "kernel=k\n", "t.conf:1: kernel = k: outside any valid section" },
		{ "[ringleader]\nexit = never\n", "t.conf:2: exit = never: not poweroff" },
		{ "[ringleader]\nescape = x\n", "t.conf:2: escape = x: not ctrl-" },
		{ "[vm a\n", "t.conf:1: [vm a: a section is" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config c;

		assert_int_not_equal(parse(cases[i].text, &c), 0);
		if (!strstr(messages, cases[i].message))
			fail_msg("case %zu: got %s", i, messages);
		for (unsigned v = 0; v < c.vms; v++)
			assert_true(c.vm[v].bad);
	}
}

/* A mistake costs its own VM only. */
static void test_others_survive(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(parse("[vm a]\nkernel=k\n[vm b]\nkernel=k\nx=y\n[vm a]\nkernel=k\n[vm "
			       "c]\nkernel=k\n",
			       &c),
			 3);
	assert_int_equal(c.vms, 3);
	assert_false(c.vm[0].bad);
	assert_true(c.vm[1].bad);
	assert_false(c.vm[2].bad);
	assert_string_equal(c.vm[2].name, "c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_others_survive),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
