/* SPDX-License-Identifier: MIT */
/*
 * The world around the virtual CPU, as emu/cpu/env.h asks for it.
 */
#pragma once

#include "emu/cpu/env.h"

extern const struct cpu_env vcpu_env;
