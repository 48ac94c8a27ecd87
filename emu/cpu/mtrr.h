/* SPDX-License-Identifier: MIT */
/*
 * Memory type range registers (SDM 3A 11.11), as far as CPUID tells of them: eleven fixed ones and
 * eight pairs of variable ones. Writes are checked as the manual says. They have no effect: all of
 * a guest's memory is cached.
 */
#pragma once

#include "kernel/base/types.h"

struct cpu;

/* What a firmware leaves: RAM is written back, A0000h to BFFFFh and from pci to 4 GiB are not
 * cached. */
void mtrr_as_firmware(struct cpu *cpu, u32 pci);

/* E_NOENT: index is none of them; E_INVAL: #GP. */
int mtrr_read(struct cpu *cpu, u32 index, u64 *value);
int mtrr_write(struct cpu *cpu, u32 index, u64 value);

/* Could the registers hold what they do? For loaded machines. */
bool mtrr_state_is_valid(const struct cpu *cpu);
