/* SPDX-License-Identifier: MIT */
/*
 * The counters of statistics structures: a row each, with its name for programs and its words for
 * people, so that none is printed twice or under another's name.
 */
#pragma once

#include "kernel/base/types.h"

struct stat_row {
	const char *name, *words;
	u16 offset;
};

struct stat_table {
	const struct stat_row *row;
	unsigned rows;
};

extern const struct stat_table stat_recomp, stat_shadow;

static inline u64 stat_value(const struct stat_row *row, const void *stats)
{
	return *(const u64 *)((const u8 *)stats + row->offset);
}
