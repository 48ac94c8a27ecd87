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

#include "vmm/raw/raw_stay.h"
#include "vmm/state/vcpu.h"

#define POLICY_IN_VAIN 16u
#define POLICY_TRIAL_EVERY \
	4096u /* times asked: the first means a page analysed, 4 million instructions */

/* Does the setting (or the measurement) want raw execution at the CPU's present CPL and eip? Says
 * nothing of whether it may. */
bool policy_wants_raw(struct vcpu *v);

/* Shall translated code ask for raw execution whenever it comes to this page, the present eip's,
 * from another? */
bool policy_asks_at(struct vcpu *v, gla_t gla);

/* May raw execution start here? False: the first reason is counted. */
bool raw_may_run(struct vcpu *v);
extern const char *const raw_refusal_name[REFUSE_COUNT];
