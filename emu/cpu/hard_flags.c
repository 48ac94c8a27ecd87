/* SPDX-License-Identifier: MIT */
/*
 * CLI, STI, PUSHF and POPF by CPL, IOPL and mode (SDM 2).
 */
#include "emu/cpu/hard_ops.h"

static unsigned iopl(const struct cpu *cpu)
{
	return (cpu->eflags & EFLAGS_IOPL) >> 12;
}

/* May this code touch IF? */
static bool allowed(const struct cpu *cpu)
{
	if (!cpu_protected(cpu))
		return true;
	return cpu_v86(cpu) ? iopl(cpu) == 3 : cpu->cpl <= iopl(cpu);
}

static u32 mask_of(const struct cpu *cpu)
{
	return cpu->seg[SEG_SS].attr & SEG_ATTR_DB ? 0xffffffff : 0xffff;
}

static enum cpu_result pushf(struct cpu *cpu, const struct insn *in)
{
	u32 image = cpu_eflags(cpu) & ~(EFLAGS_RF | EFLAGS_VM);
	u32 esp = (cpu->gpr[REG_ESP] - in->osize) & mask_of(cpu);

	if (cpu_mem_write(cpu, SEG_SS, esp, &image, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_ESP] = (cpu->gpr[REG_ESP] & ~mask_of(cpu)) | esp;
	return CPU_NEXT;
}

static enum cpu_result popf(struct cpu *cpu, const struct insn *in)
{
	u32 image = 0, esp = cpu->gpr[REG_ESP];
	u32 mask =
		EFLAGS_ARITH | EFLAGS_TF | EFLAGS_NT | (in->osize == 4 ? EFLAGS_AC | EFLAGS_ID : 0);

	if (cpu_mem_read(cpu, SEG_SS, esp & mask_of(cpu), &image, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	if (!cpu_protected(cpu) || cpu->cpl == 0)
		mask |= EFLAGS_IF | EFLAGS_IOPL;
	else if (allowed(cpu))
		mask |= EFLAGS_IF;
	cpu->gpr[REG_ESP] = (esp & ~mask_of(cpu)) | ((esp + in->osize) & mask_of(cpu));
	cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~(mask | EFLAGS_RF)) | (image & mask));
	return CPU_JUMP;
}

enum cpu_result hard_flags(struct cpu *cpu, const struct insn *in)
{
	if (in->op == OP_CLI || in->op == OP_STI) {
		if (!allowed(cpu))
			return cpu_raise(cpu, VEC_GP, 0);
		if (in->op == OP_STI && !cpu->vif)
			cpu->shadow = CPU_SHADOW_STI;
		cpu->vif = in->op == OP_STI ? EFLAGS_IF : 0;
		return CPU_JUMP;
	}
	if (cpu_v86(cpu) && iopl(cpu) != 3)
		return cpu_raise(cpu, VEC_GP, 0);
	return in->op == OP_PUSHF ? pushf(cpu, in) : popf(cpu, in);
}
