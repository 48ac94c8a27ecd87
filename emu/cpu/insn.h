/* SPDX-License-Identifier: MIT */
/*
 * One guest instruction, decoded as far as a hard-instruction helper needs it. The translator
 * builds it once per site and hands its address to the helper; the effective address is computed
 * from the registers at execution.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/isa/insn_op.h"

#define INSN_NO_REG 0xffu

#define VECTOR_256	BIT(0) /* all of YMM */
#define VECTOR_64	BIT(1) /* elements of 64 bits, not 32 */
#define VECTOR_INDEX_64 BIT(2) /* of 64 bits, not 32 */
#define VECTOR_STORE	BIT(3)

struct insn {
	u16 op;		       /* enum insn_op */
	u8 len;		       /* bytes */
	u8 osize;	       /* operand size in bytes: 1, 2 or 4 */
	u8 asize;	       /* address size in bytes: 2 or 4 */
	u8 seg;		       /* enum cpu_seg of the memory operand, overrides applied */
	u8 rep;		       /* 0, 0xf2 or 0xf3 */
	u8 lock;	       /* LOCK prefix present */
	u8 reg;		       /* ModRM.reg operand, meaning per op */
	u8 is_mem;	       /* r/m operand is memory */
	u8 is_imm;	       /* the operand is imm */
	u8 rm;		       /* register number if not */
	u8 base, index, scale; /* of the memory operand; INSN_NO_REG if none; scale 1, 2, 4, 8 */
	s32 disp;
	u32 imm;  /* immediate or offset of a far pointer; ENTER: frame size */
	u16 imm2; /* selector of a far pointer; ENTER: level; OP_GATHER: VECTOR_* */
};

/* The offset of the memory operand, cut to the address size. */
static inline gva_t insn_ea(const struct cpu *cpu, const struct insn *in)
{
	u32 ea = (u32)in->disp;

	if (in->base != INSN_NO_REG)
		ea += cpu->gpr[in->base];
	if (in->index != INSN_NO_REG)
		ea += cpu->gpr[in->index] * in->scale;
	return in->asize == 2 ? (u16)ea : ea;
}

/* The offset of what lies n bytes behind it: an operand of two parts wraps between them, in 64 KiB
 * with 16-bit addresses. */
static inline gva_t insn_ea_behind(const struct insn *in, gva_t ea, unsigned n)
{
	return in->asize == 2 ? (u16)(ea + n) : ea + n;
}
