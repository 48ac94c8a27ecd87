/* SPDX-License-Identifier: MIT */
/*
 * The prompt: a line editor in front of a list of commands. Both run in a task, with
 * interrupts on. Only log_before() and log_after(), around a line of the log, come from elsewhere:
 * from whatever logs, which may be a device of the VM that runs, or an interrupt.
 */
#include "kernel/console/shell.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/lib/lineedit.h"
#include "kernel/console/log_ring.h"

#define MAX_ARGS 16

static struct list commands = LIST_INIT(commands);
static struct lineedit editor;
static bool crashed; /* only commands with .crash are known */

static const char *error_text(int err)
{
	switch (err) {
	case E_NOMEM:
		return "out of memory";
	case E_INVAL:
		return "bad argument";
	case E_NOENT:
		return "no such thing";
	case E_BUSY:
		return "in use";
	case E_NOSYS:
		return "not supported on this machine";
	case E_FAULT:
		return "address not backed";
	case E_TIMEOUT:
		return "timed out";
	case E_FULL:
		return "table is full";
	default:
		return "failed";
	}
}

static struct shell_command *find(const char *name, size_t n)
{
	struct list *p;

	list_for_each (p, &commands) {
		struct shell_command *c = list_entry(p, struct shell_command, link);

		if (!strncmp(c->name, name, n) && !c->name[n])
			return c;
	}
	return NULL;
}

/* The longest name that the arguments begin with: "vm list" is one command. */
static struct shell_command *find_command(int argc, char **argv, int *used)
{
	if (argc >= 2) {
		char two[64];
		size_t n = str_copy(two, argv[0], sizeof(two) - 1);

		if (n + 1 + strlen(argv[1]) < sizeof(two)) {
			two[n] = ' ';
			str_copy(two + n + 1, argv[1], sizeof(two) - n - 1);

			struct shell_command *c = find(two, strlen(two));

			if (c) {
				*used = 2;
				return c;
			}
		}
	}
	*used = 1;

	struct shell_command *c = find(argv[0], strlen(argv[0]));
	const char *slash = strchr(argv[0], '/');

	if (c || !slash)
		return c;
	c = find(argv[0], (size_t)(slash - argv[0]));
	return c && c->slash ? c : NULL;
}

/* Behind a quoted text that begins there. A backslash takes the quote behind it into the text, and
 * stays in it. */
static char *quote_end(char *p)
{
	while (*p && *p != '"')
		p += 1 + (*p == '\\' && p[1]);
	if (*p)
		*p++ = '\0';
	return p;
}

static int split(char *line, char **argv)
{
	int argc = 0;

	for (char *p = line; *p && argc < MAX_ARGS;) {
		if (*p == ' ') {
			*p++ = '\0';
			continue;
		}
		if (*p == '"') {
			argv[argc++] = ++p;
			p = quote_end(p);
			continue;
		}
		argv[argc++] = p;
		while (*p && *p != ' ')
			p++;
	}
	return argc;
}

int shell_execute(const char *line)
{
	char text[LINEEDIT_LINE], *argv[MAX_ARGS + 1] = { NULL };
	int used, err, argc;

	str_copy(text, line, sizeof(text));
	argc = split(text, argv);
	if (!argc)
		return 0;

	struct shell_command *c = find_command(argc, argv, &used);

	if (!c || (crashed && !c->crash)) {
		console_print("%s: unknown command; help lists them\n", argv[0]);
		return E_NOENT;
	}
	err = c->run(argc - used + 1, argv + used - 1);
	if (err)
		console_print("%s: %s\n", c->name, error_text(err));
	return err;
}

/* --- The editor's wishes */

static void editor_out(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	console_write(s, n);
}

static bool active;    /* the keyboard is ours: a prompt follows each command */
static bool executing; /* no prompt stands there now */

static void log_before(void)
{
	if (active && !executing)
		console_write("\r\x1b[K", 4);
}

static void log_after(void)
{
	if (active && !executing)
		lineedit_redraw(&editor);
}

static void editor_submit(void *ctx, const char *line)
{
	(void)ctx;
	executing = true;
	shell_execute(line);
	executing = false;
	if (active)
		lineedit_redraw(&editor);
}

static const char *nth_command(unsigned i)
{
	struct list *p;

	list_for_each (p, &commands)
		if (!i--)
			return list_entry(p, struct shell_command, link)->name;
	return NULL;
}

static const char *editor_candidate(void *ctx, const char *line, unsigned word_start, unsigned i)
{
	size_t end = 0;
	int n = 0;

	(void)ctx;
	if (!word_start)
		return nth_command(i);
	while (line[end] && line[end] != ' ')
		end++;

	struct shell_command *c = find(line, end);

	if (!c || !c->complete)
		return NULL;
	for (unsigned k = 0; k < word_start; k++)
		if (line[k] == ' ' && line[k + 1] != ' ')
			n++;
	return c->complete(n, i);
}

static const struct lineedit_ops editor_ops = {
	.out = editor_out,
	.submit = editor_submit,
	.candidate = editor_candidate,
};

/* --- Interface */

static int cmd_help(int argc, char **argv)
{
	struct list *p;

	(void)argc;
	(void)argv;
	list_for_each (p, &commands) {
		struct shell_command *c = list_entry(p, struct shell_command, link);
		int pad = 24 - (int)strlen(c->name);

		if (crashed && !c->crash)
			continue;
		console_print("%s %-*s %s\n", c->name, MAX(pad, 1), c->args ? c->args : "",
			      c->help);
	}
	return 0;
}

static struct shell_command help = {
	.name = "help", .help = "this list", .run = cmd_help, .crash = true
};

void shell_init(void)
{
	lineedit_init(&editor, &editor_ops, "rl> ");
	shell_register(&help);
	log_set_frame(log_before, log_after);
}

/* Kept in alphabetical order. */
void shell_register(struct shell_command *c)
{
	struct list *p;

	list_for_each (p, &commands)
		if (strcmp(c->name, list_entry(p, struct shell_command, link)->name) < 0)
			break;
	list_add_before(&c->link, p);
}

void shell_register_all(struct shell_command *c, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		shell_register(&c[i]);
}

void shell_enter(void)
{
	active = true;
	console_write("\n", 1);
	lineedit_redraw(&editor);
}

void shell_begin_crash(void)
{
	crashed = true;
	active = false;
}

bool shell_crashed(void)
{
	return crashed;
}

void shell_leave(void)
{
	active = false;
}

void shell_input(u8 byte)
{
	lineedit_input(&editor, byte);
}
