/* SPDX-License-Identifier: MIT */
/*
 * Collects what the debugger prints: dbg_print_x(..., &out), then said has its lines.
 */
#pragma once

#include <string.h>

#include "emu/dbg/dbg_text.h"

static char said[65536];

static void say(void *ctx, const char *text)
{
	(void)ctx;
	assert_true(strlen(said) + strlen(text) + 2 < sizeof(said));
	strcat(said, text);
	strcat(said, "\n");
}

static const struct dbg_out out = { .line = say };
