/* SPDX-License-Identifier: MIT */
/*
 * Samples where the guest of one virtual CPU is: at the machine's timer, whose interrupt finds it
 * in raw or translated code, or in the C that works for it. Costs one test in each interrupt of the
 * machine while it is off.
 */
#pragma once

#include "arch/trap/trap.h"
#include "emu/dbg/dbg_profile.h"
#include "vmm/state/vcpu.h"

extern const struct vcpu *sampler_of; /* NULL: it is off */

/*
 * Marks of samples: the place of the virtual CPU, or, where blocks of translated code are sampled
 * and it was there, a stub or a block. Of a block the sample is its address and mode, where its
 * code is, and where in it the processor was (struct recomp_place); of all else nothing.
 */
enum sampler_mark { SAMPLER_STUB = PLACE_COUNT, SAMPLER_BLOCK, SAMPLER_MARKS };

/* Into p, each period (ns), stacks of depth addresses; 0: blocks. */
void sampler_start(const struct vcpu *v, struct profile *p, u64 period, unsigned depth);
void sampler_stop(void);

/* In an interrupt of the machine. */
void sampler_interrupt(struct vcpu *v, const struct trap_frame *f);
