/* SPDX-License-Identifier: MIT */
/*
 * A job of the prompt that samples a VM for some seconds and then prints what it has found.
 */
#pragma once

#include "emu/dbg/dbg_profile.h"
#include "vmm/load/config.h"
#include "vmm/state/vcpu.h"

#define SAMPLING_SECONDS     5u /* if nothing else is said */
#define SAMPLING_SECONDS_MAX 3600u

struct vm;

struct sampling {
	char vm[CONFIG_NAME];
	struct profile profile;
	struct vcpu_stats before;
	u64 began; /* TSC */
	/* The VM still is. */
	void (*print)(struct vm *vm, const struct sampling *s);
};

/* depth: of stacks of addresses; 0: blocks of translated code (vmm/run/sampler.h). From a command,
 * as the last thing that it does. E_NOMEM, or E_BUSY: not from here. */
int sampling_begin(struct vm *vm, u32 seconds, u32 stacks, unsigned depth,
		   void (*print)(struct vm *vm, const struct sampling *s));
/* How many samples there are, and where the time went, by the accounts: those are exact, and what
 * the monitor does with interrupts off is in no sample. */
void sampling_print_states(const struct vm *vm, const struct sampling *s);
