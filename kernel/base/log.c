/* SPDX-License-Identifier: MIT */
/*
 * The way up for lowest code: it may log and panic, and knows nobody who does that.
 */
#include "kernel/base/log.h"

static void (*printer)(enum log_level level, const char *fmt, va_list ap);
static void (*panic_handler)(const struct trap_frame *at, const char *fmt, va_list ap);

void log_set_printer(void (*fn)(enum log_level level, const char *fmt, va_list ap))
{
	printer = fn;
}

void panic_set_handler(void (*fn)(const struct trap_frame *at, const char *fmt, va_list ap))
{
	panic_handler = fn;
}

void log_print(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (!printer)
		return;
	va_start(ap, fmt);
	printer(level, fmt, ap);
	va_end(ap);
}

void panic_called(const struct trap_frame *at, const char *fmt, va_list ap)
{
	if (panic_handler)
		panic_handler(at, fmt, ap);
	__builtin_trap();
}

static void print_assertion(const struct trap_frame *at, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void print_assertion(const struct trap_frame *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_called(at, fmt, ap);
}

void panic_asserted(const struct trap_frame *at, const struct log_assertion *a)
{
	print_assertion(at, "%s:%u: assertion failed: %s", a->file, (unsigned)a->line,
			a->condition);
	__builtin_unreachable();
}
