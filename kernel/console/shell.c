/* SPDX-License-Identifier: MIT */
/*
 * The prompt: a line editor in front of a table of commands. Both run in a task, with
 * interrupts on. Only log_before() and log_after(), around a line of the log, come from elsewhere:
 * from whatever logs, which may be a device of the VM that runs, or an interrupt.
 *
 *     typed lines and scripts -> feeds -> pump() -> one command after the other -> a job, perhaps
 */
#include "kernel/console/shell.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"
#include "kernel/console/log_ring.h"
#include "kernel/console/shell_pager.h"
#include "kernel/lib/lineedit.h"
#include "kernel/lib/module.h"
#include "kernel/lib/words.h"

#define MAX_ARGS 16
#define FEEDS	 5u /* a typed line, and scripts that call scripts */
#define CTRL_C	 0x03

/* Where commands come from: lines of a text, and of each the commands between semicolons. */
struct feed {
	const char *name; /* of a script; NULL: typed */
	const char *text;
	size_t size, at;
	unsigned lines; /* read so far */
	char line[LINEEDIT_LINE];
	char *next; /* in it; NULL: at its end */
};

static struct lineedit editor;
static struct feed feeds[FEEDS];
static unsigned depth; /* feeds in use; the last one is read */
static const struct shell_job *job;
static volatile bool job_woken;
static bool active;	 /* the keyboard is ours: a prompt follows each command */
static bool executing;	 /* no prompt stands there now */
static bool typed;	 /* the operator's command runs: it may begin a job */
static bool interrupted; /* by Ctrl-C, since the command began */

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

static int run_command(char *text)
{
	char *argv[MAX_ARGS + 1] = { NULL };
	int used, err, argc = words_split(text, argv, MAX_ARGS);

	if (argc < 0) {
		console_print("a quote is not closed\n");
		return E_INVAL;
	}
	if (!argc || argv[0][0] == '#')
		return 0;

	struct shell_command *c = shell_find(argc, argv, &used);

	if (!c) {
		console_print("%s: unknown command; help lists them\n", argv[0]);
		return E_NOENT;
	}
	err = c->run(argc - used + 1, argv + used - 1);
	if (err)
		console_print("%s: %s\n", c->name, error_text(err));
	return err;
}

/* --- Ctrl-C */

bool shell_interrupted(void)
{
	if (typed && !interrupted)
		interrupted = console_input_find(CTRL_C) >= 0;
	return typed && interrupted;
}

/* What a command of the operator's prints. */
static void print_typed(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	if (!shell_interrupted())
		paging_write(s, n);
}

static void forget_feeds(void)
{
	depth = 0;
	console_write("^C\n", 3);
}

/* What was typed up to Ctrl-C, that is the rest. */
static void take_ctrl_c(void)
{
	for (int n = console_input_find(CTRL_C); n >= 0; n--)
		console_read();
}

/* --- Commands one after the other */

/* The next line of a script, which ends with one that is too long. */
static bool read_line(struct feed *f)
{
	size_t len = 0;

	if (f->at >= f->size)
		return false;
	f->lines++;
	for (; f->at < f->size && f->text[f->at] != '\n'; f->at++) {
		if (len + 1 == sizeof(f->line)) {
			console_print("%s: line %u is too long\n", f->name, f->lines);
			return false;
		}
		if (f->text[f->at] != '\r')
			f->line[len++] = f->text[f->at] == '\t' ? ' ' : f->text[f->at];
	}
	f->line[len] = '\0';
	f->at++;
	f->next = f->line;
	return true;
}

static char *next_command(struct feed *f)
{
	char *command;

	if (!f->next && !read_line(f))
		return NULL;
	command = f->next;
	if (*command == '#') { /* a comment, semicolons in it too */
		f->next = NULL;
		return command;
	}
	f->next = words_next_command(command);
	return command;
}

/* A script ends with the first command that fails. */
static void command_failed(const struct feed *f)
{
	if (!f->name)
		return;
	console_print("%s: ended at line %u\n", f->name, f->lines);
	depth = 0;
}

static void begin_output(bool scripted)
{
	interrupted = false;
	paging_begin(scripted);
	console_capture(print_typed, NULL);
}

/* What of it has no room on the screen becomes a job, unless there is one already. */
static void end_output(void)
{
	console_capture(NULL, NULL);
	if (interrupted) {
		take_ctrl_c();
		forget_feeds();
	} else if (job) {
		paging_flush();
	} else {
		job = paging_end();
		job_woken = false;
	}
}

static void run_typed(struct feed *f, const char *command)
{
	char text[LINEEDIT_LINE];
	unsigned before = depth;

	str_copy(text, command, sizeof(text));
	typed = true;
	begin_output(f->name);
	if (run_command(text) && depth == before)
		command_failed(f);
	typed = false;
	end_output();
}

static void pump(void)
{
	executing = true;
	while (depth && !job) {
		struct feed *f = &feeds[depth - 1];
		const char *command = next_command(f);

		if (command)
			run_typed(f, command);
		else
			depth--;
	}
	if (job)
		return;
	executing = false;
	if (active)
		lineedit_redraw(&editor);
}

static int feed_add(const char *name, const char *text, size_t size)
{
	struct feed *f = &feeds[depth];

	if (depth == FEEDS) {
		console_print("%s: too many scripts inside each other\n", name);
		return E_FULL;
	}
	depth++;
	f->name = name;
	f->text = text;
	f->size = size;
	f->at = f->lines = 0;
	f->next = NULL;
	return 0;
}

static void editor_submit(void *ctx, const char *line)
{
	(void)ctx;
	depth = 0;
	feed_add(NULL, NULL, 0);
	str_copy(feeds[0].line, line, sizeof(feeds[0].line));
	feeds[0].next = feeds[0].line;
	pump();
}

/* --- Jobs */

bool shell_can_begin_job(void)
{
	return typed;
}

int shell_begin_job(const struct shell_job *new)
{
	if (!typed) {
		console_print("only at the prompt\n");
		return E_BUSY;
	}
	job_woken = false;
	job = new;
	return 0;
}

void shell_job_wake(void)
{
	job_woken = true;
	console_input_again();
}

/* What the pager took for an answer of the terminal goes where it was meant to go. */
static void type_again(void)
{
	u8 bytes[16];
	unsigned n = paging_take_typed(bytes);

	for (unsigned i = 0; i < n && !job; i++)
		lineedit_input(&editor, bytes[i]);
}

static void job_ended(void)
{
	job = NULL;
	console_input_again();
	pump();
	type_again();
}

/* A job that prints when it ends, as a command does. */
static bool go_on_printing(void)
{
	const struct shell_job *was = job;
	bool ended;

	typed = true;
	begin_output(depth > 1);
	ended = was->go_on(was->ctx);
	typed = false;
	if (ended)
		job = NULL;
	end_output();
	return ended && !job;
}

void shell_go_on(void)
{
	if (!job || !job_woken)
		return;
	job_woken = false;
	if (job->prints ? go_on_printing() : job->go_on(job->ctx))
		job_ended();
}

void shell_interrupt(void)
{
	const struct shell_job *was = job;

	if (!was)
		return;
	job = NULL;
	was->interrupt(was->ctx);
	forget_feeds();
	job_ended();
}

static bool give_to_job(void)
{
	if (console_input_find(CTRL_C) >= 0) {
		take_ctrl_c();
		shell_interrupt();
		return true;
	}
	if (!job->key)
		return false;
	if (job->key(job->ctx, (u8)console_read()))
		job_ended();
	return true;
}

/* --- The editor's wishes */

static void editor_out(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	console_write(s, n);
}

static void log_before(void)
{
	if (active && !executing)
		console_write("\r\x1b[K", 4);
	paging_hide();
}

static void log_after(void)
{
	if (active && !executing)
		lineedit_redraw(&editor);
	paging_show();
}

static const char *editor_candidate(void *ctx, const char *line, unsigned word_start, unsigned i)
{
	(void)ctx;
	return shell_candidate(line, word_start, i);
}

static const struct lineedit_ops editor_ops = {
	.out = editor_out,
	.submit = editor_submit,
	.candidate = editor_candidate,
};

/* --- Commands of its own */

static int cmd_echo(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		console_print("%s%s", i > 1 ? " " : "", argv[i]);
	console_print("\n");
	return 0;
}

static const char *complete_module(int n, unsigned i)
{
	return n == 1 && module_at(i) ? module_at(i)->name : NULL;
}

static int cmd_source(int argc, char **argv)
{
	const struct module *m;

	if (argc != 2) {
		console_print("source MODULE\n");
		return E_INVAL;
	}
	m = module_find(argv[1]);
	if (!m) {
		console_print("no boot module is called %s\n", argv[1]);
		return E_NOENT;
	}
	if (!typed) {
		console_print("only at the prompt\n");
		return E_BUSY;
	}
	return feed_add(m->name, (const char *)m->data, m->size);
}

static struct shell_command commands[] = {
	{ .name = "echo",
	  .args = "WORD...",
	  .help = "print the words",
	  .examples = "    echo \"before; behind\"\n",
	  .run = cmd_echo },
	{ .name = "source",
	  .args = "MODULE",
	  .help = "the commands of a boot module, line by line, until one fails",
	  .examples = "    source points.rl\n",
	  .run = cmd_source,
	  .complete = complete_module },
};

/* --- Interface */

void shell_init(void)
{
	lineedit_init(&editor, &editor_ops, "rl> ");
	shell_table_init();
	paging_init(shell_job_wake);
	shell_register_topic("prompt", commands, ARRAY_SIZE(commands));
	log_set_frame(log_before, log_after);
}

void shell_enter(void)
{
	active = true;
	paging_forget();
	if (executing)
		return; /* its prompt comes behind the command */
	console_write("\n", 1);
	lineedit_redraw(&editor);
}

void shell_begin_crash(void)
{
	shell_table_crash(true);
	active = typed = false;
}

void shell_leave(void)
{
	active = false;
	shell_interrupt();
}

bool shell_take_input(void)
{
	int byte = console_peek();

	if (byte < 0)
		return true;
	if (job)
		return give_to_job();
	lineedit_input(&editor, (u8)console_read());
	return true;
}

/* What it prints stands above the prompt, and what is being typed there comes back. */
int shell_execute(const char *line)
{
	bool aside = !console_captured();
	char text[LINEEDIT_LINE], *next;
	int err = 0;

	str_copy(text, line, sizeof(text));
	if (aside)
		log_before();
	for (char *command = text; command; command = next) {
		next = words_next_command(command);
		err = run_command(command);
	}
	if (aside)
		log_after();
	return err;
}

int shell_execute_reading(const char *line)
{
	bool before = shell_crashed();
	int err;

	shell_table_crash(true);
	err = shell_execute(line);
	shell_table_crash(before);
	return err;
}
