/* SPDX-License-Identifier: MIT */
/*
 * The security invariant (docs/isolation.md), looked at as a whole: what the processor's tables
 * hold while guest code runs raw. Each shadow descriptor is asserted where it is installed
 * (vmm/mmu/shadow_desc.c); this is for tests (check=isolation on the command line: before each raw
 * entry after a change) and for the prompt (`isolation`).
 */
#pragma once

#include "vmm/state/vcpu.h"

/* NULL, or what is wrong. v need not be loaded. */
const char *isolation_broken(const struct vcpu *v);

/* Panics if something is wrong; looks again only when descriptors were written, and only if the
 * command line asks for it. */
extern int isolation_wanted; /* negative: not asked yet */
void isolation_look(struct vcpu *v);
static inline void isolation_assert(struct vcpu *v)
{
	if (isolation_wanted)
		isolation_look(v);
}
