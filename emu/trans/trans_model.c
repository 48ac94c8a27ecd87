/* SPDX-License-Identifier: MIT */
/*
 * Instructions that a model of a processor does not have (emu/cpu/cpu_model.h): #UD. TZCNT and
 * LZCNT, which older processors take for BSF and BSR, are what the machine makes of them.
 */
#include "emu/cpu/cpu_model.h"
#include "emu/trans/trans.h"

#define P6 CPUID_CMOV /* all since have it, and the many NOPs */

/* Instructions on MMX registers that came with SSE, and Zydis counts as MMX's. */
static bool came_with_sse(ZydisMnemonic m)
{
	static const ZydisMnemonic late[] = { ZYDIS_MNEMONIC_PAVGB,    ZYDIS_MNEMONIC_PAVGW,
					      ZYDIS_MNEMONIC_PEXTRW,   ZYDIS_MNEMONIC_PINSRW,
					      ZYDIS_MNEMONIC_PMAXSW,   ZYDIS_MNEMONIC_PMAXUB,
					      ZYDIS_MNEMONIC_PMINSW,   ZYDIS_MNEMONIC_PMINUB,
					      ZYDIS_MNEMONIC_PMOVMSKB, ZYDIS_MNEMONIC_PMULHUW,
					      ZYDIS_MNEMONIC_PSADBW,   ZYDIS_MNEMONIC_PSHUFW,
					      ZYDIS_MNEMONIC_MASKMOVQ, ZYDIS_MNEMONIC_MOVNTQ };

	for (unsigned i = 0; i < ARRAY_SIZE(late); i++)
		if (m == late[i])
			return true;
	return false;
}

/* The feature that an instruction belongs to: bits of leaf 1 EDX; 0: every processor has it; ~0:
 * no model has it. */
static u32 feature(const ZydisDecodedInstruction *in)
{
	switch (in->meta.isa_set) {
	case ZYDIS_ISA_SET_I86:
	case ZYDIS_ISA_SET_I186:
	case ZYDIS_ISA_SET_I286PROTECTED:
	case ZYDIS_ISA_SET_I286REAL:
	case ZYDIS_ISA_SET_I386:
	case ZYDIS_ISA_SET_I486:
	case ZYDIS_ISA_SET_I486REAL:
	case ZYDIS_ISA_SET_PENTIUMREAL:
	case ZYDIS_ISA_SET_X87:
	case ZYDIS_ISA_SET_LAHF:
	case ZYDIS_ISA_SET_PAUSE:
	case ZYDIS_ISA_SET_RDPMC:
		return 0;
	case ZYDIS_ISA_SET_PENTIUMMMX:
		return came_with_sse(in->mnemonic) ? CPUID_SSE : CPUID_MMX;
	case ZYDIS_ISA_SET_CMOV:
	case ZYDIS_ISA_SET_FCMOV:
	case ZYDIS_ISA_SET_PPRO:
	case ZYDIS_ISA_SET_FAT_NOP:
	case ZYDIS_ISA_SET_PREFETCH_NOP:
	case ZYDIS_ISA_SET_SSE_PREFETCH:
	case ZYDIS_ISA_SET_CLDEMOTE:
	case ZYDIS_ISA_SET_CET:
	case ZYDIS_ISA_SET_MPX:
		return P6;
	case ZYDIS_ISA_SET_FXSAVE:
		return CPUID_FXSR;
	case ZYDIS_ISA_SET_SSE:
	case ZYDIS_ISA_SET_SSEMXCSR:
		return CPUID_SSE;
	case ZYDIS_ISA_SET_SSE2:
	case ZYDIS_ISA_SET_SSE2MMX:
		return CPUID_SSE2;
	case ZYDIS_ISA_SET_CLFSH:
		return CPUID_CLFSH;
	default:
		break;
	}
	if (in->mnemonic == ZYDIS_MNEMONIC_TZCNT || in->mnemonic == ZYDIS_MNEMONIC_LZCNT)
		return 0;
	return ~0u;
}

bool trans_model_lacks(const struct trans *t)
{
	const struct cpu_model *m = t->cpu->model;
	u32 needs;

	if (!m)
		return false;
	/* AMD's prefetches came with 3DNow!, which is not here; they stayed. */
	if (t->in.mnemonic == ZYDIS_MNEMONIC_PREFETCHW || t->in.mnemonic == ZYDIS_MNEMONIC_PREFETCH)
		return !m->extended;
	needs = feature(&t->in);
	return (m->edx & needs) != needs;
}

bool trans_model_is_old(const struct trans *t)
{
	return t->cpu->model && !(t->cpu->model->edx & P6);
}
