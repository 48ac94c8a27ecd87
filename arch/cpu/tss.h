/* SPDX-License-Identifier: MIT */
/*
 * The 64-bit TSS (SDM 3A 8.7): stacks for traps, nothing else of tasks.
 */
#pragma once

#include "kernel/base/types.h"

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; /* ist[0] is IST1 */
	u64 reserved2;
	u16 reserved3;
	u16 iomap; /* beyond the limit: every port access of rings 1..3 traps */
} __attribute__((packed));
