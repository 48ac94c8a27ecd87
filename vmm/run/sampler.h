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

/* Into p, each period (ns), stacks of depth addresses, with the place (enum vcpu_place) as mark. */
void sampler_start(const struct vcpu *v, struct profile *p, u64 period, unsigned depth);
void sampler_stop(void);

/* In an interrupt of the machine. */
void sampler_interrupt(struct vcpu *v, const struct trap_frame *f);
