/* SPDX-License-Identifier: MIT */
/*
 * When the vcpu that runs has to come back to the scheduler.
 */
#pragma once

#include "vmm/state/vcpu.h"

void preempt_init(void);
/* From now on preempt_wanted() says no, until the clock reads slice_end, v's next timer is due
 * or the console has input. */
void preempt_arm(const struct vcpu *v, u64 slice_end);
/* The same at that time exactly, with nobody running. */
void preempt_arm_idle(u64 deadline);
bool preempt_wanted(void);
