/* SPDX-License-Identifier: MIT */
/*
 * What a comparison does to the arithmetic flags, as the manual says it (SDM 2A, CMP).
 */
#pragma once

#include "kernel/base/types.h"
#include "kernel/hw/x86.h"

#define FLAGS (EFLAGS_CF | EFLAGS_ZF | EFLAGS_SF | EFLAGS_OF | EFLAGS_PF | EFLAGS_AF)

/* a - b, of size bytes: 1, 2 or 4. */
static inline u32 flags_of(u32 a, u32 b, unsigned size)
{
	u32 mask = size == 4 ? 0xffffffff : (1u << size * 8) - 1, top = 1u << (size * 8 - 1);
	u32 r = (a - b) & mask, f = 0;

	f |= a < b ? EFLAGS_CF : 0;
	f |= r ? 0 : EFLAGS_ZF;
	f |= r & top ? EFLAGS_SF : 0;
	f |= (a ^ b) & (a ^ r) & top ? EFLAGS_OF : 0;
	f |= __builtin_parity(r & 0xff) ? 0 : EFLAGS_PF;
	f |= (a ^ b ^ r) & 0x10 ? EFLAGS_AF : 0;
	return f;
}
