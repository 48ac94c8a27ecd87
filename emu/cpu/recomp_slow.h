/* SPDX-License-Identifier: MIT */
#pragma once

#include "emu/cpu/recomp_internal.h"

/* Called from the stubs; cpu->eip is the instruction's. */
enum cpu_result recomp_hard(struct cpu *cpu, const struct site *s);
enum cpu_result recomp_slow_read(struct cpu *cpu, const struct site *s);
enum cpu_result recomp_slow_write(struct cpu *cpu, const struct site *s);
