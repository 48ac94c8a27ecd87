/* SPDX-License-Identifier: MIT */
/*
 * CLI, STI, PUSHF and POPF by CPL, IOPL and mode (SDM 2), with the virtual interrupt flag of
 * CR4.VME and CR4.PVI (SDM 3B 20.3.2, 20.4).
 */
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/operand.h"

/* What CLI and STI act on (SDM 2 CLI, STI: the tables). */
enum target { ON_IF, ON_VIF, REFUSED };

static enum target target_of(const struct cpu *cpu)
{
	if (!cpu_protected(cpu))
		return ON_IF;
	if (cpu_v86(cpu))
		return cpu_iopl(cpu) == 3 ? ON_IF : cpu->cr4 & CR4_VME ? ON_VIF : REFUSED;
	if (cpu->cpl <= cpu_iopl(cpu))
		return ON_IF;
	return cpu->cpl == 3 && (cpu->cr4 & CR4_PVI) ? ON_VIF : REFUSED;
}

/* V86 mode with CR4.VME and IOPL below 3: IF in the image is VIF, IOPL reads as 3. */
static bool virtual_image(const struct cpu *cpu)
{
	return cpu_v86(cpu) && cpu_iopl(cpu) < 3;
}

static bool image_refused(const struct cpu *cpu, const struct insn *in)
{
	return virtual_image(cpu) && (!(cpu->cr4 & CR4_VME) || in->osize == 4);
}

enum cpu_result hard_pushf(struct cpu *cpu, const struct insn *in)
{
	u32 image = cpu_eflags(cpu) & ~(EFLAGS_RF | EFLAGS_VM);
	u32 esp = (cpu->gpr[REG_ESP] - in->osize) & cpu_stack_mask(cpu);

	if (image_refused(cpu, in))
		return cpu_raise(cpu, VEC_GP, 0);
	if (virtual_image(cpu))
		image = (image & ~EFLAGS_IF) | EFLAGS_IOPL | (image & EFLAGS_VIF ? EFLAGS_IF : 0);
	if (cpu_mem_write(cpu, SEG_SS, esp, &image, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_ESP] = cpu_esp_at(cpu, esp);
	return CPU_NEXT;
}

enum cpu_result hard_popf(struct cpu *cpu, const struct insn *in)
{
	u32 image = 0, esp = cpu->gpr[REG_ESP], flags;
	u32 mask =
		EFLAGS_ARITH | EFLAGS_TF | EFLAGS_NT | (in->osize == 4 ? EFLAGS_AC | EFLAGS_ID : 0);

	if (image_refused(cpu, in))
		return cpu_raise(cpu, VEC_GP, 0);
	if (cpu_mem_read(cpu, SEG_SS, esp & cpu_stack_mask(cpu), &image, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	if (virtual_image(cpu) &&
	    (((cpu->eflags & EFLAGS_VIP) && (image & EFLAGS_IF)) || (image & EFLAGS_TF)))
		return cpu_raise(cpu, VEC_GP, 0);
	if (!cpu_protected(cpu) || cpu->cpl == 0)
		mask |= EFLAGS_IF | EFLAGS_IOPL;
	else if (target_of(cpu) == ON_IF)
		mask |= EFLAGS_IF;
	flags = (cpu_eflags(cpu) & ~(mask | EFLAGS_RF)) | (image & mask);
	if (virtual_image(cpu))
		flags = image & EFLAGS_IF ? flags | EFLAGS_VIF : flags & ~EFLAGS_VIF;
	cpu->gpr[REG_ESP] = cpu_esp_at(cpu, esp + in->osize);
	cpu_set_eflags(cpu, flags);
	return CPU_JUMP;
}

static enum cpu_result cli_sti(struct cpu *cpu, bool set)
{
	switch (target_of(cpu)) {
	case REFUSED:
		return cpu_raise(cpu, VEC_GP, 0);
	case ON_VIF:
		if (set && (cpu->eflags & EFLAGS_VIP))
			return cpu_raise(cpu, VEC_GP, 0);
		cpu->eflags = set ? cpu->eflags | EFLAGS_VIF : cpu->eflags & ~EFLAGS_VIF;
		return CPU_JUMP;
	case ON_IF:
		if (set && !cpu->vif)
			cpu->shadow = CPU_SHADOW_STI;
		cpu->vif = set ? EFLAGS_IF : 0;
	}
	return CPU_JUMP;
}

enum cpu_result hard_cli(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	return cli_sti(cpu, false);
}

enum cpu_result hard_sti(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	return cli_sti(cpu, true);
}
