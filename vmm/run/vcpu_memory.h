/* SPDX-License-Identifier: MIT */
/*
 * What a virtual CPU's shadow paging needs of the monitor: pages under the VM's quota, addresses,
 * TLB flushes.
 */
#pragma once

#include "vmm/state/vcpu.h"
#include "emu/jit/recomp.h"

/* Loading a byte here, up to RECOMP_FENCE before or up to RECOMP_FENCED behind it always faults:
 * there is no mapping and no alias of guest memory, since PDPT[8] of every root and all behind it
 * are absent. */
#define VCPU_POLL_TRAP (RECOMP_SPACE + MiB)

const struct shadow_host *vcpu_shadow_host(struct vcpu *v);
