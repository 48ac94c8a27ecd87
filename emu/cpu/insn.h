/* SPDX-License-Identifier: MIT */
/*
 * One guest instruction, decoded as far as a hard-instruction helper needs it. The translator
 * builds it once per site and hands its address to the helper; the effective address is computed
 * from the registers at execution.
 */
#pragma once

#include "emu/cpu/cpu.h"

enum insn_op {
	/* far transfers and interrupts */
	OP_CALL_FAR_IMM,
	OP_CALL_FAR_MEM,
	OP_JMP_FAR_IMM,
	OP_JMP_FAR_MEM,
	OP_RET_FAR,
	OP_IRET,
	OP_INT,
	OP_INT3,
	OP_INT1,
	OP_INTO,
	OP_SYSENTER,
	OP_SYSEXIT,
	/* segment registers: reg is the enum cpu_seg */
	OP_MOV_TO_SEG,
	OP_POP_SEG,
	OP_LOAD_FAR_POINTER, /* LDS LES LFS LGS LSS: reg = GPR, imm = enum cpu_seg */
	OP_LAR,
	OP_LSL,
	OP_VERR,
	OP_VERW,
	OP_ARPL,
	/* system */
	OP_LGDT,
	OP_LIDT,
	OP_SGDT,
	OP_SIDT,
	OP_LLDT,
	OP_LTR,
	OP_SLDT,
	OP_STR,
	OP_LMSW,
	OP_SMSW,
	OP_CLTS,
	OP_MOV_FROM_CR,
	OP_MOV_TO_CR,
	OP_MOV_FROM_DR,
	OP_MOV_TO_DR, /* reg = CR/DR number, rm = GPR */
	OP_INVLPG,
	OP_INVD,
	OP_WBINVD,
	OP_RDMSR,
	OP_WRMSR,
	OP_RDTSC,
	OP_RDPMC,
	OP_CPUID,
	OP_HLT,
	OP_XGETBV,
	OP_XSETBV,
	OP_MONITOR,
	OP_MWAIT,
	OP_RSM,
	/* flags */
	OP_CLI,
	OP_STI,
	OP_PUSHF,
	OP_POPF,
	/* ports: imm = port or -1 for DX; width in osize (1, 2, 4) */
	OP_IN,
	OP_OUT,
	OP_INS,
	OP_OUTS,
	/* stack frames */
	OP_PUSHA,
	OP_POPA,
	OP_ENTER,
	OP_LEAVE,
	OP_BOUND,
	/* BCD */
	OP_DAA,
	OP_DAS,
	OP_AAA,
	OP_AAS,
	OP_AAM,
	OP_AAD,
	/* FPU state images */
	OP_FXSAVE,
	OP_FXRSTOR,
	OP_FNSAVE,
	OP_FRSTOR,
	OP_FNSTENV,
	OP_FLDENV,
	OP_XSAVE,
	OP_XSAVEOPT,
	OP_FPU_GATE, /* imm: enum fpu_class of an instruction that CR0 or CR4 may forbid */
	OP_XRSTOR,
	/* AVX by elements: reg, rm: the data and a gather's index; imm: the mask; imm2: VECTOR_* */
	OP_GATHER,
	OP_MASKED_MOVE,
	/* generic string operation, one iteration at a time with all checks, where translated code
	   cannot copy it */
	OP_MOVS,
	OP_CMPS,
	OP_STOS,
	OP_LODS,
	OP_SCAS,
	OP_UD, /* raises #UD */
	OP_COUNT
};

/* What CR0.EM, TS, MP and CR4.OSFXSR have to say about an instruction (SDM 3A tables 2-2, 12-1). */
enum fpu_class { FPU_NONE, FPU_WAIT, FPU_X87, FPU_MMX, FPU_SSE, FPU_AVX };

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
