/* SPDX-License-Identifier: MIT */
/*
 * gdb's watchpoints on the monitor's memory, in the processor's debug registers
 * (arch/trap/debug_regs.h). They are there while the monitor runs, and out while it stands.
 */
#pragma once

#include "kernel/base/types.h"

struct gdb_self_watch {
	hva_t at; /* as gdb asked for it */
	u32 len;
	bool reads; /* and writes; else writes alone */
	bool used;
};

/*
 * The monitor stands. Four pieces of 1, 2, 4 or 8 bytes, each aligned to its size, are all there
 * are. False: there is no room, it is not there, or it cannot be watched: below 4 GiB, where
 * guests are, and what the processor or the way to the debugger uses (SDM 3A 6, NO_WATCH).
 */
bool gdb_self_watch_change(hva_t at, u32 len, bool reads, bool set);
void gdb_self_watch_forget(void);
/* After #DB: which one was met, NULL none. It is told once. */
const struct gdb_self_watch *gdb_self_watch_met(void);
