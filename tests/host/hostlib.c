/* SPDX-License-Identifier: MIT */
/*
 * What the monitor's kernel/ offers to pure code, on the host: log, panic, small-object memory.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernel/base/alloc.h"
#include "kernel/base/log.h"
#include "tests/host/hostlib.h"

void log_print(enum log_level level, const char *fmt, ...)
{
	static const char *const name[] = { "error", "warn", "info", "debug" };
	va_list ap;

	if (level == LOG_DEBUG && !getenv("RL_DEBUG"))
		return;
	fprintf(stderr, "%s: ", name[level]);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	fputs("panic: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

bool hostlib_no_memory;
unsigned hostlib_fails_at;

void *mem_alloc(size_t size)
{
	bool fails = hostlib_no_memory || (hostlib_fails_at && !--hostlib_fails_at);

	return fails ? NULL : calloc(1, size);
}

void mem_free(void *p)
{
	free(p);
}
