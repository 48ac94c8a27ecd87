/* SPDX-License-Identifier: MIT */
/*
 * What the monitor has in the debug registers.
 */
#include "arch/trap/debug_regs.h"

struct debug_regs debug_regs NO_WATCH = { .control = DR7_NONE };
