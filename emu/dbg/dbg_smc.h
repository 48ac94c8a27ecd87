/* SPDX-License-Identifier: MIT */
/*
 * Code that changes itself and does not jump.
 */
#pragma once

#include "emu/cpu/cpu.h"

/*
 * The instruction at CS:EIP has written len bytes at gpa. Are they executed next, without a jump or
 * a serialising instruction in between? Then a processor that has fetched them already executes the
 * old ones. Conditional jumps are where it is not known any more.
 */
bool dbg_runs_into(struct cpu *cpu, gpa_t gpa, u32 len);
