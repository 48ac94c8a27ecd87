/* SPDX-License-Identifier: MIT */
/*
 * Raw code that works on a device's memory: sixteen colours of a VGA, unchained modes, fonts. Each
 * access is a trap for raw code and a call for translated code (docs/recompiler.md). So code that
 * makes many goes to the recompiler, for a time; then raw execution is tried again.
 *
 * The TSC goes on in other VMs' turns, so that a turn of 10 ms may begin with such traps.
 *
 * What it can cost: where accesses come just often enough, translated code is slower than raw code
 * with that many traps. Where they never end, RAW_DEVICE_TOUCHES traps each RAW_DEVICE_REFUSES
 * cycles: 3 % under TCG, where a trap and its instruction take 65,000 cycles.
 */
#pragma once

#include "vmm/state/vcpu.h"

/* So many exits within so many cycles of the TSC, and raw execution is refused for so many. */
#define RAW_DEVICE_TOUCHES 16u
#define RAW_DEVICE_WITHIN  (1ull << 22)
#define RAW_DEVICE_REFUSES (1ull << 25)

/* Raw code is being left, since it touched a device's memory. */
void raw_device_touched(struct vcpu *v);

/* Whether raw execution is refused now. */
bool raw_device_time_over(struct vcpu *v);
static inline bool raw_device_refuses(struct vcpu *v)
{
	return v->raw_device.until && !raw_device_time_over(v);
}
