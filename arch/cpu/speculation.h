/* SPDX-License-Identifier: MIT */
/*
 * What a guest could learn from the traces that others leave in the processor, and the two
 * instructions against it. Both cost nothing where the processor does not offer or need them.
 *
 *   IBPB   branch predictors forget one guest's branches before another guest runs
 *   VERW   fill buffers and ports forget the monitor's and other guests' data before guest code
 * runs (MDS: SDM 3A does not tell; Intel's "Microarchitectural Data Sampling" does, and RFDS)
 */
#pragma once

#include "kernel/base/types.h"

/* Looks at this processor, says what will be done. force: do both even so, for tests. */
void speculation_init(bool force);

/* Another guest than the last one is about to run on this CPU. */
void speculation_new_guest(void);

/* trap.asm and raw_entry.asm read these: nonzero, VERW with this selector. */
extern u8 speculation_verw;
extern const u16 speculation_selector;

/* Guest code is about to run translated. The ways into raw code do it themselves. */
static inline void speculation_enter_guest(void)
{
	if (speculation_verw)
		__asm__ volatile("verw %0" ::"m"(speculation_selector) : "cc");
}
