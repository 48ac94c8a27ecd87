/* SPDX-License-Identifier: MIT */
/*
 * The prompt `rl>`: line editing, history, completion, and a table of commands that subsystems add
 * to (kernel/console/shell_table.c).
 *
 * A command is a function that returns at once. What takes time, and lets the machine go on
 * meanwhile, is a job that the command begins: it has the prompt until it ends. Commands typed or
 * read behind it wait. Ctrl-C ends a job, what a command still has to print, and all that was typed
 * or read behind it.
 */
#pragma once

#include "kernel/console/shell_job.h"
#include "kernel/console/shell_table.h"

void shell_init(void);
/* Prints the prompt and takes the keyboard. */
void shell_enter(void);
/* Somebody else takes the keyboard: no prompt after the command that did it. */
void shell_leave(void);
/* Takes a byte of the console's input, if there is one. False: it waits for the job to end. */
bool shell_take_input(void);
/* Lets a job go on that asked for it; called when the console's input was hooked. */
void shell_go_on(void);
/* Ends what runs, and what waits behind it, as Ctrl-C does. */
void shell_interrupt(void);
/* Nothing but commands for the prompt after a panic is known from now on. */
void shell_begin_crash(void);
/* Executes the commands of a line for somebody else than the operator: no job begins. */
int shell_execute(const char *line);
/* The same, and only commands that the prompt after a panic has are known. */
int shell_execute_reading(const char *line);

/* --- For commands */

/* Does the operator wait for the command that runs? Else it may begin no job. */
bool shell_can_begin_job(void);
/* From a command, as the last thing that it does. E_BUSY: not from here, which is said. */
int shell_begin_job(const struct shell_job *job);
/* From any context. */
void shell_job_wake(void);
/* Has Ctrl-C been typed since the command began? What it prints is thrown away then. */
bool shell_interrupted(void);
