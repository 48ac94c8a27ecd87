/* SPDX-License-Identifier: MIT */
/*
 * Reads lines by polling and runs commands. A command that traps is left where it is: the next line
 * is read at the top of the same stack, so any number may fail.
 */
#include "kernel/debug/crash.h"

#include "arch/cpu/percpu.h"
#include "arch/cpu/try.h"
#include "arch/mem/kmap.h"
#include "kernel/base/print.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/shell.h"
#include "kernel/debug/lines.h"
#include "kernel/debug/power.h"
#include "kernel/debug/symbols.h"

#define LINE	     128u
#define ROW	     16u
#define ROWS_MAX     4096u
#define ROWS_DEFAULT 8u
#define FAILURES_MAX 64u /* traps of the prompt in a row, without a line that was read */

static void (*screen)(void), (*waiting)(void);
static bool began;
static unsigned failures;

bool crash_began(void)
{
	return began;
}

/* --- Commands of its own */

static void print_row(u64 at)
{
	char text[ROW * 3 + 1] = "", ascii[ROW + 1] = "";
	char *p = text;
	u8 byte;

	for (unsigned i = 0; i < ROW; i++) {
		bool there = !read_u8_safe(at + i, &byte);

		p += there ? fmt_print(p, 4, " %02x", byte) : fmt_print(p, 4, " --");
		ascii[i] = there && byte >= ' ' && byte <= '~' ? (char)byte : '.';
	}
	console_print("%016llx%s  %s\n", (unsigned long long)at, text, ascii);
}

static int memory(int argc, char **argv, u64 base)
{
	u64 at, rows = ROWS_DEFAULT;

	if (argc < 2 || argc > 3 || str_to_u64(argv[1], &at) ||
	    (argc == 3 && str_to_u64(argv[2], &rows)) || rows > ROWS_MAX) {
		console_print("%s ADDRESS [ROWS], %u rows at most\n", argv[0], ROWS_MAX);
		return E_INVAL;
	}
	for (u64 i = 0; i < rows; i++)
		print_row(base + at + i * ROW);
	return 0;
}

static int cmd_xm(int argc, char **argv)
{
	return memory(argc, argv, 0);
}

static int cmd_xmp(int argc, char **argv)
{
	return memory(argc, argv, DIRECT_MAP_BASE);
}

static int cmd_symbol(int argc, char **argv)
{
	const char *file;
	char name[96];
	u32 line;
	u64 at;

	if (argc != 2 || str_to_u64(argv[1], &at)) {
		console_print("symbol ADDRESS\n");
		return E_INVAL;
	}
	file = line_find(at, &line);
	if (file)
		console_print("%s  %s:%u\n", symbol_format(at, name, sizeof(name)), file, line);
	else
		console_print("%s\n", symbol_format(at, name, sizeof(name)));
	return 0;
}

static int cmd_panic(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	screen();
	return 0;
}

static struct shell_command commands[] = {
	{ .name = "panic",
	  .help = "print the panic's screen again",
	  .examples = "    panic\n",
	  .run = cmd_panic,
	  .crash = true },
	{ .name = "xm",
	  .args = "ADDRESS [ROWS]",
	  .help = "the monitor's memory; what is not mapped is shown as --",
	  .examples = "    xm 0xffffffff80000000 4\n",
	  .run = cmd_xm,
	  .crash = true },
	{ .name = "xmp",
	  .args = "ADDRESS [ROWS]",
	  .help = "the machine's memory by physical address",
	  .examples = "    xmp 0x1000\n",
	  .run = cmd_xmp,
	  .crash = true },
	{ .name = "symbol",
	  .args = "ADDRESS",
	  .help = "the monitor's function, file and line of an address",
	  .examples = "    symbol 0xffffffff80001000\n",
	  .run = cmd_symbol,
	  .crash = true },
};

/* --- The prompt */

static char wait_key(void)
{
	int c;

	while ((c = console_read_now()) < 0)
		waiting();
	return (char)c;
}

static void read_line(char *line)
{
	size_t n = 0;
	char c;

	while ((c = wait_key()) != '\r' && c != '\n') {
		if ((c == '\b' || c == 0x7f) && n) {
			n--;
			console_write("\b \b", 3);
		} else if (c >= ' ' && c <= '~' && n < LINE - 1) {
			line[n++] = c;
			console_write(&c, 1);
		}
	}
	line[n] = '\0';
	console_write("\n", 1);
}

static void loop(void) __attribute__((noreturn));
static void loop(void)
{
	char line[LINE];

	if (++failures > FAILURES_MAX)
		power_after_panic();
	for (;;) {
		console_print("crash> ");
		read_line(line);
		failures = 0;
		shell_execute(line);
	}
}

void crash_prompt(void (*again)(void), void (*wait)(void))
{
	if (!console_can_read_now())
		return;
	if (!began) {
		began = true;
		screen = again;
		waiting = wait;
		shell_begin_crash();
		shell_register_all(commands, ARRAY_SIZE(commands));
		while (console_read_now() >= 0) /* typed ahead, for somebody else */
			;
		console_print("Nothing runs any more. help lists what can be read; reboot, "
			      "poweroff.\n");
	}
	percpu_restart(loop);
}
