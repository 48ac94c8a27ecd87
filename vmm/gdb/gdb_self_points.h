/* SPDX-License-Identifier: MIT */
/*
 * gdb's breakpoints in the monitor's text: INT3, written through the direct map, since the text is
 * read-only. They are there while the monitor runs, and out while it stands.
 */
#pragma once

#include "kernel/base/types.h"

#define GDB_SELF_POINTS 32u

struct gdb_self_point {
	hva_t at; /* 0: a free row */
	u8 *alias;
	u8 was;
};
extern struct gdb_self_point gdb_self_points[GDB_SELF_POINTS];

/* The monitor stands. False: none can be there (the text alone can have some, without the way to
 * the debugger), there is no room, or it is not there. */
bool gdb_self_point_change(hva_t at, bool set);
void gdb_self_points_forget(void);
bool gdb_self_point_at(hva_t at);

/* Part of whoever calls them: they are on the way to the debugger. */
static inline __attribute__((always_inline)) void gdb_self_points_in(void)
{
	for (unsigned i = 0; i < GDB_SELF_POINTS; i++)
		if (gdb_self_points[i].at)
			*gdb_self_points[i].alias = 0xcc;
}

static inline __attribute__((always_inline)) void gdb_self_points_out(void)
{
	for (unsigned i = 0; i < GDB_SELF_POINTS; i++)
		if (gdb_self_points[i].at)
			*gdb_self_points[i].alias = gdb_self_points[i].was;
}
