/* SPDX-License-Identifier: MIT */
/*
 * Commands in alphabetical order, and help about them.
 */
#include "kernel/console/shell_table.h"

#include "kernel/base/error.h"
#include "kernel/base/string.h"
#include "kernel/console/console.h"

#define TOPICS	   16u
#define NAME_WIDTH 24

static struct list commands = LIST_INIT(commands);
static const char *topics[TOPICS];
static unsigned topic_count;
static bool crashed; /* only commands with .crash are known */

static bool known(const struct shell_command *c)
{
	return !crashed || c->crash;
}

static struct shell_command *find(const char *name, size_t n)
{
	struct list *p;

	list_for_each (p, &commands) {
		struct shell_command *c = list_entry(p, struct shell_command, link);

		if (!strncmp(c->name, name, n) && !c->name[n] && known(c))
			return c;
	}
	return NULL;
}

static struct shell_command *find_two(char **argv)
{
	char two[64];
	size_t n = str_copy(two, argv[0], sizeof(two) - 1);

	if (n + 1 + strlen(argv[1]) >= sizeof(two))
		return NULL;
	two[n] = ' ';
	str_copy(two + n + 1, argv[1], sizeof(two) - n - 1);
	return find(two, strlen(two));
}

struct shell_command *shell_find(int argc, char **argv, int *used)
{
	struct shell_command *c = argc >= 2 ? find_two(argv) : NULL;
	const char *slash = strchr(argv[0], '/');

	*used = c ? 2 : 1;
	if (!c)
		c = find(argv[0], strlen(argv[0]));
	if (c || !slash)
		return c;
	c = find(argv[0], (size_t)(slash - argv[0]));
	return c && c->slash ? c : NULL;
}

/* --- Completion */

static const char *nth_command(unsigned i)
{
	struct list *p;

	list_for_each (p, &commands)
		if (!i--)
			return list_entry(p, struct shell_command, link)->name;
	return NULL;
}

static const char *nth_topic_or_command(unsigned i)
{
	return i < topic_count ? topics[i] : nth_command(i - topic_count);
}

/* Where the command begins that the word at line[start] is of. */
static unsigned command_start(const char *line, unsigned start)
{
	while (start && line[start - 1] != ';')
		start--;
	while (line[start] == ' ')
		start++;
	return start;
}

const char *shell_candidate(const char *line, unsigned start, unsigned i)
{
	unsigned from = command_start(line, start);
	size_t len = 0;
	int n = 0;

	if (from >= start)
		return nth_command(i);
	while (line[from + len] && line[from + len] != ' ' && line[from + len] != '/')
		len++;

	struct shell_command *c = find(line + from, len);

	if (!c || !c->complete)
		return NULL;
	for (unsigned k = from; k < start; k++)
		if (line[k] == ' ' && line[k + 1] != ' ')
			n++;
	return c->complete(n, i);
}

/* --- Help */

static const char *complete_help(int n, unsigned i)
{
	return n == 1 ? nth_topic_or_command(i) : NULL;
}

static void print_command(const struct shell_command *c)
{
	int pad = NAME_WIDTH - (int)strlen(c->name);

	console_print("%s %-*s %s\n", c->name, MAX(pad, 1), c->args ? c->args : "", c->help);
}

static bool print_topic(const char *topic)
{
	struct list *p;
	bool any = false;

	list_for_each (p, &commands) {
		const struct shell_command *c = list_entry(p, struct shell_command, link);

		if (!known(c) || (topic && (!c->topic || strcmp(c->topic, topic))))
			continue;
		print_command(c);
		any = true;
	}
	return any;
}

static int cmd_help(int argc, char **argv)
{
	const struct shell_command *c;
	int used;

	if (argc < 2) {
		print_topic(NULL);
		console_print("help COMMAND: more; help TOPIC:");
		for (unsigned i = 0; i < topic_count; i++)
			console_print(" %s", topics[i]);
		console_print("\n");
		return 0;
	}
	c = shell_find(argc - 1, argv + 1, &used);
	if (!c) {
		if (argc == 2 && print_topic(argv[1]))
			return 0;
		console_print("help [COMMAND | TOPIC]: no command and no topic is called %s\n",
			      argv[1]);
		return E_NOENT;
	}
	console_print("%s %s\n    %s\n", c->name, c->args ? c->args : "", c->help);
	if (c->examples)
		console_print("examples:\n%s", c->examples);
	if (c->more)
		console_print("%s", c->more);
	return 0;
}

static struct shell_command help = { .name = "help",
				     .args = "[COMMAND | TOPIC]",
				     .help = "what there is, or one command with examples",
				     .examples = "    help x       the command x\n"
						 "    help see     the commands that show a VM\n",
				     .run = cmd_help,
				     .crash = true,
				     .complete = complete_help };

/* --- Registration */

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

static void add_topic(const char *topic)
{
	for (unsigned i = 0; i < topic_count; i++)
		if (!strcmp(topics[i], topic))
			return;
	if (topic_count < TOPICS)
		topics[topic_count++] = topic;
}

void shell_register_topic(const char *topic, struct shell_command *c, unsigned count)
{
	add_topic(topic);
	for (unsigned i = 0; i < count; i++)
		c[i].topic = topic;
	shell_register_all(c, count);
}

void shell_table_init(void)
{
	shell_register_topic("prompt", &help, 1);
}

void shell_table_crash(bool on)
{
	crashed = on;
}

bool shell_crashed(void)
{
	return crashed;
}
