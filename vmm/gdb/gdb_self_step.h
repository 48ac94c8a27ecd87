/* SPDX-License-Identifier: MIT */
/*
 * One instruction of the monitor, by TF, with interrupts held back: a step does not fall into a
 * handler.
 */
#pragma once

#include "arch/trap/trap.h"

/* frame will execute one instruction. False: it was a HLT, which is passed over, as if it had
 * ended. */
bool gdb_self_step_begin(struct trap_frame *frame);
/* frame is that of the trap that ended it. */
void gdb_self_step_end(struct trap_frame *frame);
