/* SPDX-License-Identifier: MIT */
/*
 * The run loop of a virtual CPU.
 */
#pragma once

#include "vmm/run/engine.h"

/* Once for each real CPU: its traps and interrupts come to the engines. */
void run_install(void);

/* Runs v until the clock reads slice_end (ns) or it stops for a reason of its own. Interrupts are
 * off before and after. */
enum vcpu_stop vcpu_run(struct vcpu *v, u64 slice_end);
