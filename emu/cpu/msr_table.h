/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers that do nothing here, but that the processor which CPUID describes has
 * and that systems read or write without asking: chip configuration, microcode, thresholds of
 * counters that never count. docs/cpuid.md says which systems.
 */
#pragma once

#include "kernel/base/types.h"

struct cpu;

/* false: there is no such register, or it cannot be written; the caller raises #GP. */
bool msr_table_read(struct cpu *cpu, u32 index, u64 *value);
bool msr_table_write(struct cpu *cpu, u32 index, u64 value);
