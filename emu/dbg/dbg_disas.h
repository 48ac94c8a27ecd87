/* SPDX-License-Identifier: MIT */
/*
 * A guest's code in words (Zydis).
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_text.h"

/* 16 or 32, as CS says. */
unsigned dbg_code_bits(const struct cpu *cpu);
/* n instructions from the linear address on, or as many as are mapped; where they end. Branch
 * targets are shown as linear addresses, too. */
gla_t dbg_disassemble(struct cpu *cpu, gla_t gla, unsigned bits, unsigned n,
		      const struct dbg_out *out);

/* The instruction at CS:EIP. Its length, 0 if it cannot be read or is none; *calls: control comes
 * back behind it (CALL, INT n, a repeated string instruction). */
unsigned dbg_instruction(struct cpu *cpu, bool *calls);
