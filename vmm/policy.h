/* SPDX-License-Identifier: MIT */
/*
 * Which engine runs what: the VM's `engine` setting, and for `auto` a measured choice (docs/engine.md).
 */
#pragma once

#include "vmm/vcpu.h"

/* Does the setting (or the measurement) want raw execution at the CPU's present CPL and eip? Says nothing of whether it may. */
bool policy_wants_raw(struct vcpu *v);
/* A raw stay ended: v->raw_exit, and how long it was (v->raw_cycles). */
void policy_raw_ended(struct vcpu *v);
