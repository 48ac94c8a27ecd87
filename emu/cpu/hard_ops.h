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

/*
 * The state image (SDM 1 13.4): FXSAVE's bytes, XMM0 to XMM7 among them, the header, and the upper
 * halves of YMM0 to YMM7. Outside 64-bit mode the other registers' places are left alone (13.5.2).
 */
#define XSTATE_XMM     160u
#define XSTATE_HEADER  512u
#define XSTATE_AVX     576u
#define XSTATE_END     832u
#define XSTATE_REGS    128u
#define XSTATE_HAS_AVX BIT(2) /* in the header: else the upper halves are zeros, and not there */

/* Puts the zeros there. */
void hard_fpu_fill_avx(u8 *image);
/* The FXSAVE image has a new TOP: its registers, which it holds as ST(i), get their new numbers. */
void hard_fpu_rename(u8 *fx, unsigned old_top);
/* fpu_gate.c: #NM or #UD; FWAIT may go on */
enum cpu_result fpu_gate(struct cpu *cpu, enum fpu_class class);
