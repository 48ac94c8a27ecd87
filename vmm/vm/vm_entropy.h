/* SPDX-License-Identifier: MIT */
/*
 * Random bytes for guests.
 */
#pragma once

#include "kernel/base/types.h"

void vm_entropy(u8 *bytes, u32 n);
