/* SPDX-License-Identifier: MIT */
/*
 * The world around the virtual CPU, as emu/cpu/env.h asks for it.
 */
#pragma once

#include "emu/cpu/env.h"

struct vcpu;

extern const struct cpu_env vcpu_env;
/* Strict rules: who wrote to code, is it what executes it next? */
void vcpu_code_written(struct cpu *cpu, gpa_t gpa, u32 len);

/* Code is found by the numbers that shadow paging gives now. */
void vcpu_tell_mapping(struct vcpu *v);
