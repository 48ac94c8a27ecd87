/* SPDX-License-Identifier: MIT */
/*
 * With check=views on the command line: each time that another root is shown, or a page is filled,
 * what CPL 3 could reach there is compared with the guest's tables (vmm/mmu/shadow_check.c). A
 * difference is a panic. Nothing of that is in a hot path.
 */
#pragma once

#include "vmm/state/vcpu.h"

void view_check(struct vcpu *v);
