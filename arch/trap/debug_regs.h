/* SPDX-License-Identifier: MIT */
/*
 * DR0..DR3 and DR7 (SDM 3B 17.2): the monitor's own watchpoints are in them, unless a guest's are.
 * Who lends them to a guest writes all of them, and gives them back.
 */
#pragma once

#include "arch/cpu/processor.h"
#include "arch/mem/image.h"
#include "kernel/hw/x86.h"

struct debug_regs {
	u64 address[4];
	u64 control; /* DR7. DR7_NONE: the monitor watches nothing */
	volatile bool lent;
};
extern struct debug_regs debug_regs; /* NO_WATCH */

static inline __attribute__((always_inline)) bool debug_regs_armed(void)
{
	return debug_regs.control != DR7_NONE && !debug_regs.lent;
}

/* Part of whoever calls them: they are on the way to the debugger. */
static inline __attribute__((always_inline)) void debug_regs_out(void)
{
	if (debug_regs_armed())
		write_dr(7, DR7_NONE);
}

static inline __attribute__((always_inline)) void debug_regs_in(void)
{
	if (!debug_regs_armed())
		return;
	write_dr(0, debug_regs.address[0]);
	write_dr(1, debug_regs.address[1]);
	write_dr(2, debug_regs.address[2]);
	write_dr(3, debug_regs.address[3]);
	write_dr(7, debug_regs.control);
}

/* A guest's come in, by whoever calls; and go. */
static inline void debug_regs_lend(void)
{
	debug_regs.lent = true;
	write_dr(7, DR7_NONE);
}

static inline void debug_regs_give_back(void)
{
	write_dr(7, DR7_NONE);
	debug_regs.lent = false;
	debug_regs_in();
}
