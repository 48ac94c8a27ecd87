/* SPDX-License-Identifier: MIT */
/*
 * The debugger's stops of execution in translated code. In front of each such instruction a block
 * calls recomp_stop(), which computes the condition and mostly goes on; so the block stays whole,
 * and a condition that does not hold costs about as much as a hard instruction. Where instructions
 * run one by one the dispatcher asks instead.
 *
 * An instruction is asked about once each time that it is executed, though an event may come in
 * front of it, or the instruction be begun again: `passes` keeps the answer that it does not stop
 * there.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* The stub's: CPU_NEXT, or CPU_STOP. */
u32 recomp_stop(struct cpu *cpu, u32 site);
/* The dispatcher's: does the instruction at CS:EIP stop, which will run alone? */
bool recomp_stop_met(struct recomp *r);
/* The instruction at CS:EIP will be executed again: it has been asked about. */
void recomp_stop_retried(struct recomp *r);
/* The stops of this address have changed. */
void recomp_stop_changed(struct recomp *r, gla_t gla);
