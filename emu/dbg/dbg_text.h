/* SPDX-License-Identifier: MIT */
/*
 * What is shown to a debugger's user goes out by lines.
 */
#pragma once

#include "kernel/base/types.h"

struct dbg_out {
	void (*line)(void *ctx, const char *text); /* without its end */
	void *ctx;
};

#define DBG_LINE 160u

void dbg_print(const struct dbg_out *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A line that is put together piece by piece; what does not fit is left out. */
struct dbg_line {
	char text[DBG_LINE];
	size_t len;
};

void dbg_add(struct dbg_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void dbg_end(struct dbg_line *l, const struct dbg_out *out);

/* The names of the bits that are set, each with a space in front: bit n is names[n], NULL is none.
 */
void dbg_add_bits(struct dbg_line *l, u32 value, const char *const *names, unsigned n);
