/* SPDX-License-Identifier: MIT */
/*
 * The table of the prompt's commands: who is meant, what could be, and help.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/base/types.h"

struct shell_command {
	struct list link;
	const char *name;     /* "pause" */
	const char *args;     /* "NAME" */
	const char *help;     /* one line */
	const char *examples; /* lines of commands, with what they do; may be NULL */
	const char *more;     /* lines behind them, of what else is to be known; may be NULL */
	const char *topic;    /* set by shell_register_topic() */
	bool slash;	      /* "x/8d" is this command, too: argv[0] is whole */
	/* argv[0] is the command. Returns 0, or an error that the shell prints. */
	int (*run)(int argc, char **argv);
	/* It only reads, or ends the machine, and allocates nothing: the prompt after a panic has
	 * it. */
	bool crash;
	/* Completion of argument n: the i-th candidate, or NULL at the end; may be NULL. */
	const char *(*complete)(int n, unsigned i);
};

void shell_register(struct shell_command *c);
void shell_register_all(struct shell_command *c, unsigned count);
/* The same, under a topic of `help`. */
void shell_register_topic(const char *topic, struct shell_command *c, unsigned count);

/* --- For the prompt */

/* The longest name that the arguments begin with ("vm list" is one command), and how many of them
 * it takes. NULL: there is none. */
struct shell_command *shell_find(int argc, char **argv, int *used);
/* What could stand where the word at line[start] is: the i-th; NULL at the end. */
const char *shell_candidate(const char *line, unsigned start, unsigned i);
void shell_table_init(void);
/* Are only commands for the prompt after a panic known? */
void shell_table_crash(bool on);
bool shell_crashed(void);
