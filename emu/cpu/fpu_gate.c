/* SPDX-License-Identifier: MIT */
/*
 * What CR0.EM, TS, MP, CR4.OSFXSR, OSXSAVE and XCR0 forbid: trans_fpu.c puts a call here in the
 * place of an instruction while one of them may have something to say about it.
 */
#include "emu/cpu/hard_ops.h"
#include "kernel/base/string.h"

/* FWAIT looks for errors, unless CR0.MP and TS say #NM; CR0.EM means nothing to it. */
static enum cpu_result wait(struct cpu *cpu)
{
	u16 control, status;

	if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
		return cpu_raise_noerr(cpu, VEC_NM);
	cpu_env(cpu)->fpu_save(cpu);
	memcpy(&control, cpu->fpu.image, 2);
	memcpy(&status, cpu->fpu.image + 2, 2);
	return status & ~control & 0x3f ? cpu_fpu_error(cpu) : CPU_NEXT;
}

/* SDM 3A table 2-2 (x87), 2.5 (MMX), table 13-1 (SSE, AVX). */
enum cpu_result hard_fpu_gate(struct cpu *cpu, const struct insn *in)
{
	bool em = cpu->cr0 & CR0_EM, undefined = false;

	switch ((enum fpu_class)in->imm) {
	case FPU_WAIT:
		return wait(cpu);
	case FPU_MMX:
		undefined = em;
		break;
	case FPU_SSE:
		undefined = em || !(cpu->cr4 & CR4_OSFXSR);
		break;
	case FPU_AVX: /* CR0.EM is nothing to it (SDM 2A table 2-18): let it be as for SSE */
		undefined = em || !cpu_avx_enabled(cpu);
		break;
	default:
		break;
	}
	return cpu_raise_noerr(cpu, undefined ? VEC_UD : VEC_NM);
}
