/* SPDX-License-Identifier: MIT */
/*
 * The world around the virtual CPU, as emu/cpu/env.h asks for it.
 */
#pragma once

#include "emu/cpu/env.h"

struct vcpu;

extern const struct cpu_env vcpu_env;

/* Code is found by the numbers that shadow paging gives now. */
void vcpu_tell_mapping(struct vcpu *v);
