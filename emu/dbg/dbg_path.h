/* SPDX-License-Identifier: MIT */
/*
 * Where code is sure to come without losing time.
 */
#pragma once

#include "emu/cpu/cpu.h"

/*
 * The linear address of the IN that follows the instruction at EIP, a few instructions on: through
 * calls, returns and direct jumps, but through no conditional jump, no other port and nothing that
 * waits or looks at a clock. 0: there is none. Changes nothing.
 */
gla_t dbg_next_in(struct cpu *cpu);
