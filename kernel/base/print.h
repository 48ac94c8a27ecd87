/* SPDX-License-Identifier: MIT */
/*
 * Formatted output to a buffer: %d %i %u %x %X %p %s %c %% with flags 0 and -, width, precision for
 * %s, and the length modifiers h hh l ll z. Always terminates; returns the length that the whole
 * text has.
 */
#pragma once

#include <stdarg.h>

#include "kernel/base/types.h"

int fmt_vprint(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));
int fmt_print(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
