/* SPDX-License-Identifier: MIT */
/*
 * The facts of insn.def as tables: what C executes, what is special about an instruction, which
 * extensions there are. Everything is constant.
 */
#pragma once

#include <Zydis/Zydis.h>

#include "emu/isa/insn_op.h"

/* Facts. The class of the FPU's gate where neither extension nor registers tell it. */
#define ISA_GATE(class)	  ((u16)((class) + 1))
#define ISA_GATES	  7u
#define ISA_RING1	  BIT(3)  /* sensitive at CPL 1, and silent there */
#define ISA_RING1_NO_UMIP BIT(4)  /* the same, where CR4.UMIP does not make it trap */
#define ISA_SIZE66	  BIT(5)  /* an extension's, yet 66h means the operand size */
#define ISA_SOURCE66	  BIT(6)  /* the same, of the source operand */
#define ISA_UNALIGNED	  BIT(7)  /* a 16-byte operand may lie anywhere */
#define ISA_W_IGNORED	  BIT(8)  /* VEX.W would double a general register */
#define ISA_KEEPS_FIP	  BIT(9)  /* of x87: it leaves the pointers alone, or clears them */
#define ISA_NO_WAIT	  BIT(10) /* of x87: a pending error is nothing to its memory operand */
#define ISA_BITS	  BIT(11) /* a bit number in a register reaches beyond the operand */
#define ISA_MASKED	  BIT(12) /* moves the elements that a mask names */
#define ISA_MASKED64	  BIT(13) /* of 64 bits */
#define ISA_MASK_STORE	  BIT(14) /* stores the bytes that a mask names to [EDI] */
#define ISA_ANEW	  BIT(15) /* part of the translator's encodes it anew where it can */

struct isa_insn {
	u8 op; /* enum insn_op */
	u16 facts;
};

extern const struct isa_insn isa_insn[ZYDIS_MNEMONIC_MAX_VALUE + 1];

#define EXT_HERE  BIT(0) /* the guest's CPUID may tell of it */
#define EXT_NEWER BIT(1) /* than SSE4.2, and computes */
#define EXT_HINT  BIT(2) /* is not here, and its instructions are NOPs then */

extern const u8 isa_extension[ZYDIS_ISA_EXT_MAX_VALUE + 1];

static inline bool isa_is(const ZydisDecodedInstruction *in, u16 fact)
{
	return isa_insn[in->mnemonic].facts & fact;
}
