/* SPDX-License-Identifier: MIT */
/*
 * The functions of insn.def's operations. Each returns as cpu_hard_exec(), except that CPU_NEXT
 * leaves eip to the caller.
 */
#pragma once

#include "emu/cpu/semantics.h"

#define OP(name, function, how) enum cpu_result function(struct cpu *cpu, const struct insn *in);
#include "emu/isa/insn.def"
#undef OP

/* Puts zeros where the upper halves of the YMM registers are not in the image. */
void hard_fpu_fill_avx(u8 *image);
/* The FXSAVE image has a new TOP: its registers, which it holds as ST(i), get their new numbers. */
void hard_fpu_rename(u8 *fx, unsigned old_top);
