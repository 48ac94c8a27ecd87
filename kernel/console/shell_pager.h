/* SPDX-License-Identifier: MIT */
/*
 * What the operator's commands print, page by page (kernel/lib/text_pager.h), where a terminal
 * answers the question how large it is. Never for scripts: what a script does, and a command behind
 * which more was typed already, is not paged. A line where nobody answers is asked once, until the
 * console comes to the prompt anew.
 */
#pragma once

#include "kernel/base/types.h"

struct shell_job;

/* wake: has the job's go_on() called. */
void paging_init(void (*wake)(void));
/* Somebody else may sit at the line now. */
void paging_forget(void);
/* A command begins. */
void paging_begin(bool scripted);
void paging_write(const char *s, size_t n);
/* It has ended. Not NULL: there is more to be shown, which this job does. */
const struct shell_job *paging_end(void);
/* The rest goes out as it comes. */
void paging_flush(void);
/* Bytes that came instead of an answer, which somebody has typed: how many, 16 at most. They are
 * the caller's from now on. */
unsigned paging_take_typed(u8 *bytes);
/* A line of the log comes in between, and has come. */
void paging_hide(void);
void paging_show(void);
