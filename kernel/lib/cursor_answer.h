/* SPDX-License-Identifier: MIT */
/*
 * How large is the terminal? The cursor is sent further than any screen goes, and the terminal says
 * where it stands: ESC [ row ; column R (ECMA-48, CPR). Pure.
 */
#pragma once

#include "kernel/base/types.h"

/* The cursor comes back to the beginning of the line. Programs take the question for a line. */
#define CURSOR_QUESTION \
	"\x1b"          \
	"7"             \
	"\x1b[999;999H" \
	"\x1b[6n"       \
	"\x1b"          \
	"8\r"

struct cursor_answer {
	unsigned n;	  /* bytes so far */
	u32 number[2];	  /* row, column */
	unsigned numbers; /* that have ended */
};

enum cursor_said { CURSOR_MORE, CURSOR_ANSWERED, CURSOR_OTHER };

/* The next byte that came. CURSOR_OTHER: this is no answer. */
enum cursor_said cursor_answer_byte(struct cursor_answer *a, u8 byte);
