/* SPDX-License-Identifier: MIT */
/*
 * XCR0, the register that says which state XSAVE handles. XSETBV leaves for the hypervisor below
 * us, if any.
 */
#pragma once

#include "kernel/base/types.h"

/* 0 or E_FAULT. Does nothing if XCR0 holds that already. */
int xcr0_load(u64 xcr0);
