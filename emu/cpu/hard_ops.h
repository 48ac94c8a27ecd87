/* SPDX-License-Identifier: MIT */
/*
 * The hard instructions by family. Each returns as cpu_hard_exec(), except that CPU_NEXT leaves eip
 * to the caller.
 */
#pragma once

#include "emu/cpu/semantics.h"

enum cpu_result hard_system(struct cpu *cpu, const struct insn *in);
enum cpu_result hard_segment(struct cpu *cpu, const struct insn *in);
enum cpu_result hard_io(struct cpu *cpu, const struct insn *in);
enum cpu_result hard_flags(struct cpu *cpu, const struct insn *in);
enum cpu_result hard_stack(struct cpu *cpu, const struct insn *in);
enum cpu_result hard_bcd(struct cpu *cpu, const struct insn *in);
enum cpu_result hard_string(struct cpu *cpu, const struct insn *in);
enum cpu_result hard_fpu(struct cpu *cpu, const struct insn *in);
enum cpu_result hard_vector(struct cpu *cpu, const struct insn *in);

/* Puts zeros where the upper halves of the YMM registers are not in the image. */
void hard_fpu_fill_avx(u8 *image);
/* The FXSAVE image has a new TOP: its registers, which it holds as ST(i), get their new numbers. */
void hard_fpu_rename(u8 *fx, unsigned old_top);
/* fpu_gate.c: #NM or #UD; FWAIT may go on */
enum cpu_result fpu_gate(struct cpu *cpu, enum fpu_class class);
