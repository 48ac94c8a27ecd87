/* SPDX-License-Identifier: MIT */
/*
 * What a saved machine and the one that it is loaded into must have in common: memory, options of
 * the board, and the processor as its guest has seen it. The first section of a stream; it also
 * holds the machine's time.
 */
#pragma once

#include "emu/snap/snap.h"

struct cpu;

#define FINGERPRINT_LEAVES 10

struct fingerprint {
	u64 ram_size;
	bool debug_exit;
	u32 tsc_khz;
	u32 model; /* enum cpu_model_name */
	u64 now;   /* virtual ns */
	u64 tsc;   /* as the guest reads it, at that time */
	u32 id[FINGERPRINT_LEAVES][4];
};

/* CPUID of cpu, without what changes while it runs. */
void fingerprint_cpuid(struct fingerprint *f, struct cpu *cpu);

/* Saves f. Loading: f is this machine's; other than it allows is refused, now and tsc become the
 * saved ones, and s->now is now. */
void fingerprint_state(struct fingerprint *f, struct snap *s);
