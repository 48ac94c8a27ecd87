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

/* Who prints lines, and who ends the machine: fn does not return. at: all registers where panic()
 * was called or an ASSERT failed (kernel/base/panic_entry.asm); RIP is the address behind the call.
 * Lines that come before are lost. */
struct trap_frame;
void log_set_printer(void (*fn)(enum log_level level, const char *fmt, va_list ap));
void panic_set_handler(void (*fn)(const struct trap_frame *at, const char *fmt, va_list ap));

#define log_error(...) log_print(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

/*
 * In the monitor a failed ASSERT loads no argument: the registers on the screen are those that the
 * condition was computed from. Behind the call lies struct log_assertion.
 */
struct log_assertion {
	const char *file, *condition;
	u64 line;
} __attribute__((packed));

/* Called by kernel/base/panic_entry.asm. */
void panic_called(const struct trap_frame *at, const char *fmt, va_list ap)
	__attribute__((noreturn));
void panic_asserted(const struct trap_frame *at, const struct log_assertion *a)
	__attribute__((noreturn));

#if __STDC_HOSTED__
#define ASSERT_FAILS(condition) panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, condition)
#else
#define ASSERT_FAILS(condition)                                                             \
	do {                                                                                \
		__asm__ volatile("call assert_failed; .quad %c0, %c1, %c2" ::"i"(__FILE__), \
				 "i"(condition), "i"(__LINE__));                            \
		__builtin_unreachable();                                                    \
	} while (0)
#endif

#define ASSERT(cond)                              \
	do {                                      \
		if (__builtin_expect(!(cond), 0)) \
			ASSERT_FAILS(#cond);      \
	} while (0)
