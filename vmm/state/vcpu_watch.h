/* SPDX-License-Identifier: MIT */
/*
 * Which linear pages of the guest are kept from direct access, for breakpoints' sake.
 */
#pragma once

#include "vmm/state/vcpu.h"

/* Follows cpu.watch and cpu.stops. guests: with the pages of the guest's own breakpoints, which raw
 * code has in the real debug registers instead. */
void vcpu_watch(struct vcpu *v, bool guests);
