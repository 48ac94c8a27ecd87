/* SPDX-License-Identifier: MIT */
/*
 * Pieces that far transfers, IRET and event delivery share.
 */
#pragma once

#include "emu/cpu/semantics.h"

/* Reads and checks a code segment descriptor for a transfer to cpl; sets the accessed bit. gate:
 * reached through a gate. */
enum cpu_result transfer_code(struct cpu *cpu, u16 sel, unsigned cpl, u8 vec, u32 ext,
			      struct cpu_segment *out);
/* The same for a stack segment of privilege cpl. vec: the fault to raise (#TS, #GP, #SS for not
 * present). */
enum cpu_result transfer_stack(struct cpu *cpu, u16 sel, unsigned cpl, u8 vec, u32 ext,
			       struct cpu_segment *out);
/* SS:ESP of privilege cpl from the current TSS. */
enum cpu_result transfer_tss_stack(struct cpu *cpu, unsigned cpl, u32 ext, u16 *ss, u32 *esp);
/* Writes n words of size bytes downwards from esp in stack segment s, at privilege cpl; *esp is the
 * new one. All or nothing. */
enum cpu_result transfer_push(struct cpu *cpu, const struct cpu_segment *s, unsigned cpl, u32 *esp,
			      const u32 *words, unsigned n, unsigned size);
/* After a return to an outer level: data segments that it may not have become null. */
void transfer_drop_segments(struct cpu *cpu);

enum cpu_result cpu_iret(struct cpu *cpu, const struct insn *in);
enum cpu_result cpu_far_jump(struct cpu *cpu, const struct insn *in, u16 sel, u32 offset,
			     bool call);
enum cpu_result cpu_far_return(struct cpu *cpu, const struct insn *in);
