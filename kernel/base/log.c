/* SPDX-License-Identifier: MIT */
/*
 * The way up for lowest code: it may log and panic, and knows nobody who does that.
 */
#include "kernel/base/log.h"

static void (*printer)(enum log_level level, const char *fmt, va_list ap);
static void (*panic_handler)(const struct panic_site *at, const char *fmt, va_list ap);

void log_set_printer(void (*fn)(enum log_level level, const char *fmt, va_list ap))
{
	printer = fn;
}

void panic_set_handler(void (*fn)(const struct panic_site *at, const char *fmt, va_list ap))
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

void panic(const char *fmt, ...)
{
	u64 rbp = (u64)__builtin_frame_address(0);
	struct panic_site at = { .rip = (u64)__builtin_return_address(0),
				 .rbp = *(u64 *)rbp,
				 .rsp = rbp };
	va_list ap;

	va_start(ap, fmt);
	if (panic_handler)
		panic_handler(&at, fmt, ap);
	__builtin_trap();
}
