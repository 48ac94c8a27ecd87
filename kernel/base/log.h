/* SPDX-License-Identifier: MIT */
/*
 * What code of any layer says to the person at the console: kernel/base/log.c passes it on to who
 * has a console (kernel/console/log_ring.c, kernel/debug/panic.c); on the host tests/host/
 * implements it. A line is complete text without a trailing newline. PANIC is for our own mistakes
 * only: a guest can never cause one.
 */
#pragma once

#include <stdarg.h>

#include "kernel/base/types.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Who prints lines, and who ends the machine: fn does not return. at: where panic() was called, its
 * caller's frame pointer and its stack. Lines that come before are lost. */
struct panic_site {
	u64 rip, rbp, rsp;
};
void log_set_printer(void (*fn)(enum log_level level, const char *fmt, va_list ap));
void panic_set_handler(void (*fn)(const struct panic_site *at, const char *fmt, va_list ap));

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#define ASSERT(cond)                                                                     \
	do {                                                                             \
		if (__builtin_expect(!(cond), 0))                                        \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond); \
	} while (0)
