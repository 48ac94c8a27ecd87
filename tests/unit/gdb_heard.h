/* SPDX-License-Identifier: MIT */
/*
 * What a stub has sent to gdb.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/base/types.h"

static char heard[32768];
static size_t heard_len;

static void put_out(void *ctx, const char *s, size_t n)
{
	(void)ctx;
	assert_true(heard_len + n < sizeof(heard));
	memcpy(heard + heard_len, s, n);
	heard_len += n;
	heard[heard_len] = '\0';
}
