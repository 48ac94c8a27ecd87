/* SPDX-License-Identifier: MIT */
/*
 * Counted loops (emu/block/loop.h): many iterations at once.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/*
 * Called by the jump at the end of an iteration, before it goes round. site: offset of a struct
 * loop in the arena. CPU_NEXT: translated code goes on at the loop's first instruction.
 */
u32 recomp_loop(struct cpu *cpu, u32 site);
