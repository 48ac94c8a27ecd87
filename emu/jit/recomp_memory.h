/* SPDX-License-Identifier: MIT */
/*
 * What translated code calls C for: memory that cannot be accessed directly.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/*
 * site: offset of a struct site in the arena. A memory operand is fetched to cpu->scratch, or at
 * least checked; stored from there; checked and stored at once.
 */
enum cpu_result recomp_slow_read(struct cpu *cpu, u32 site);
enum cpu_result recomp_slow_write(struct cpu *cpu, u32 site);
enum cpu_result recomp_slow_store(struct cpu *cpu, u32 site);
