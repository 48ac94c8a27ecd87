/* SPDX-License-Identifier: MIT */
/*
 * How long raw ring-1 stays last, by the page of the guest's kernel in which they begin: what the
 * engine `auto` decides by (vmm/run/policy.h).
 */
#pragma once

#include "vmm/state/vcpu.h"

#define POLICY_STAY_CYCLES 30000u /* twenty times the cost of entry and exit */

/* What is known of the page that the CPU is in. */
struct policy_page *raw_stay_page(struct vcpu *v);

/* A raw stay begins, at the CPU's CPL and eip; it ended after so many cycles. */
void raw_stay_begins(struct vcpu *v);
void raw_stay_ended(struct vcpu *v, u64 cycles);
