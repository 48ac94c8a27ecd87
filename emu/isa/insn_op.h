/* SPDX-License-Identifier: MIT */
/*
 * The operations that C executes for the guest, by the rows of insn.def.
 */
#pragma once

#include "kernel/base/types.h"

/* What C executes; COPY: nothing, the instruction is copied or encoded anew. */
enum insn_op {
	OP_COPY,
#define OP(name, function, how) OP_##name,
#include "emu/isa/insn.def"
#undef OP
	OP_COUNT
};

/* How an operation ends. 0: translated code goes on behind it. */
#define HOW_MODE	   BIT(0)		    /* if the mode is still the same */
#define HOW_ENDS	   BIT(1)		    /* nothing follows in its block */
#define HOW_TRANSFERS	   (BIT(2) | HOW_ENDS)	    /* it sets EIP itself */
#define HOW_ENTERS_HANDLER (BIT(3) | HOW_TRANSFERS) /* a software interrupt: TF traps no more */

extern const u8 isa_op_how[OP_COUNT];

static inline bool isa_op_is(unsigned op, u8 how)
{
	return (isa_op_how[op] & how) == how;
}

/* What CR0.EM, TS, MP and CR4.OSFXSR have to say about an instruction (SDM 3A tables 2-2, 12-1). */
enum fpu_class { FPU_NONE, FPU_WAIT, FPU_X87, FPU_MMX, FPU_SSE, FPU_AVX };
