/* SPDX-License-Identifier: MIT */
/*
 * What pure code says to the person at the console. kernel/console/log.c implements it in the monitor,
 * tests/host/ on the host. A line is complete text without a trailing newline. PANIC is for our own
 * mistakes only: a guest can never cause one.
 */
#pragma once

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_print(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

#define ASSERT(cond)                                                                     \
	do {                                                                             \
		if (__builtin_expect(!(cond), 0))                                        \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond); \
	} while (0)
