/* SPDX-License-Identifier: MIT */
/*
 * Which engine runs what: the VM's `engine` setting, and for `auto` a measured choice.
 *
 * A raw ring-1 stay costs about 1,500 cycles to enter and leave, and translated kernel code runs
 * near native speed, so raw pays only where a stay is long. `auto` therefore tries raw now and then
 * on each kernel code page, remembers how long stays that began there were, and goes raw where the
 * average is long enough. Pages are told apart by linear address; a wrong guess costs time, never
 * correctness.
 */
#pragma once

#include "kernel/base/types.h"

struct vcpu;

#define POLICY_PAGES	   1024u
#define POLICY_STAY_CYCLES 30000u /* twenty times the cost of entry and exit */
#define POLICY_IN_VAIN	   16u
#define POLICY_TRIAL_EVERY \
	4096u /* times asked: the first means a page analysed, 4 million instructions */

struct policy_page {
	u32 page;    /* eip >> 12 */
	u32 asked;   /* times since the last trial */
	u8 vain;     /* times in a row that translated code came here with interrupts off */
	u32 average; /* cycles of a stay, weighted 1/4 to the newest; 0: never tried */
};

struct policy {
	struct policy_page page[POLICY_PAGES];
	struct policy_page *staying; /* where the present stay began, NULL if at CPL 3 */
	u64 trials, long_stays;
};

/* Does the setting (or the measurement) want raw execution at the CPU's present CPL and eip? Says
 * nothing of whether it may. */
bool policy_wants_raw(struct vcpu *v);

/* Shall translated code ask for raw execution whenever it comes to this page, the present eip's,
 * from another? */
bool policy_asks_at(struct vcpu *v, gla_t gla);

/* A raw stay begins, at the CPU's CPL and eip; it ended after so many cycles. */
void policy_raw_begins(struct vcpu *v);
void policy_raw_ended(struct vcpu *v, u64 cycles);
