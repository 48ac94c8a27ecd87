/* SPDX-License-Identifier: MIT */
/*
 * Typed lines: commands with `;` between them, and the words of one. What stands in quotes, "..."
 * or '...', is one word, blanks and semicolons in it too. In "..." a backslash takes the quote
 * behind it into the word, and stays in it. Pure.
 */
#pragma once

#include "kernel/base/types.h"

/* Ends the first command of the text in place, and returns what is behind its semicolon; NULL: it
 * is the last one. */
char *words_next_command(char *text);
/* The words of one command, ended in place; how many, max at most. -1: a quote is not closed. */
int words_split(char *command, char **word, int max);
