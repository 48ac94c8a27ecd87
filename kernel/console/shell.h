/* SPDX-License-Identifier: MIT */
/*
 * The prompt `rl>`: line editing, history, completion, and a table of commands that subsystems add
 * to.
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/base/types.h"

struct shell_command {
	struct list link;
	const char *name; /* "pause" */
	const char *args; /* "NAME" */
	const char *help; /* one line */
	bool slash;	  /* "x/8d" is this command, too: argv[0] is whole */
	/* argv[0] is the command. Returns 0, or an error that the shell prints. */
	int (*run)(int argc, char **argv);
	/* It only reads, or ends the machine, and allocates nothing: the prompt after a panic has
	 * it. */
	bool crash;
	/* Completion of argument n: the i-th candidate, or NULL at the end; may be NULL. */
	const char *(*complete)(int n, unsigned i);
};

void shell_init(void);
void shell_register(struct shell_command *c);
void shell_register_all(struct shell_command *c, unsigned count);
/* Prints the prompt and takes the keyboard. */
void shell_enter(void);
/* Somebody else takes the keyboard: no prompt after the command that did it. */
void shell_leave(void);
/* One input byte while the shell has the keyboard. */
void shell_input(u8 byte);
/* Executes one line, for scripts and tests. */
int shell_execute(const char *line);
/* From now on only commands for the prompt after a panic are known. */
void shell_begin_crash(void);
bool shell_crashed(void);
