/* SPDX-License-Identifier: MIT */
/*
 * The virtual-8086 mode extensions. INT n (SDM 3B 20.3.3): through the IDT with IOPL 3, #GP(0)
 * below it, unless CR4.VME lets the task's redirection bitmap send the vector straight to the
 * program's own table at linear 0.
 *
 *   TSS:  .. | redirection bitmap, 32 bytes | I/O bitmap ..     the word at 66h points here ^
 */
#include "emu/cpu/transfer.h"

#define TSS_IO_MAP 0x66u

/* Is the vector's bit clear? */
static enum cpu_result redirected(struct cpu *cpu, u8 vector, bool *yes)
{
	u16 map;
	u8 bits;

	if (!(cpu->tr.attr & 8) || cpu->tr.limit < TSS_IO_MAP + 1)
		return cpu_raise(cpu, VEC_GP, 0);
	if (cpu_lin_read(cpu, cpu->tr.base + TSS_IO_MAP, &map, 2, 0) != CPU_NEXT)
		return CPU_FAULT;

	u32 at = map - 32u + vector / 8u;

	if (map < 32 || at > cpu->tr.limit)
		return cpu_raise(cpu, VEC_GP, 0);
	if (cpu_lin_read(cpu, cpu->tr.base + at, &bits, 1, 0) != CPU_NEXT)
		return CPU_FAULT;
	*yes = !(bits >> (vector & 7) & 1);
	return CPU_NEXT;
}

/* As an 8086 would, on the program's own stack; IF is VIF below IOPL 3. */
static enum cpu_result enter_8086(struct cpu *cpu, u8 vector)
{
	u32 flags = cpu_eflags(cpu) & 0xffff, ivt = 0, esp = cpu->gpr[REG_ESP];
	bool iopl3 = (cpu->eflags & EFLAGS_IOPL) == EFLAGS_IOPL;

	if (!iopl3)
		flags = (flags & ~EFLAGS_IF) | EFLAGS_IOPL |
			(cpu->eflags & EFLAGS_VIF ? EFLAGS_IF : 0);

	const u32 words[3] = { flags, cpu->seg[SEG_CS].sel, cpu->eip };

	if (cpu_lin_read(cpu, vector * 4u, &ivt, 4, 0) != CPU_NEXT ||
	    transfer_push(cpu, &cpu->seg[SEG_SS], cpu->cpl, &esp, words, 3, 2) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_ESP] = esp;
	cpu->eip = ivt & 0xffff;
	cpu_set_v86_segment(cpu, SEG_CS, (u16)(ivt >> 16));
	cpu->eflags &= ~(EFLAGS_TF | EFLAGS_RF | (iopl3 ? 0 : EFLAGS_VIF));
	if (iopl3)
		cpu->vif = 0;
	return CPU_JUMP;
}

enum cpu_result v86_soft_int(struct cpu *cpu, u8 vector)
{
	bool yes = false;

	if ((cpu->cr4 & CR4_VME) && redirected(cpu, vector, &yes) != CPU_NEXT)
		return CPU_FAULT;
	if (yes)
		return enter_8086(cpu, vector);
	if ((cpu->eflags & EFLAGS_IOPL) != EFLAGS_IOPL)
		return cpu_raise(cpu, VEC_GP, 0);
	return CPU_NEXT;
}

enum cpu_result v86_check_pending(struct cpu *cpu)
{
	const u32 both = EFLAGS_VIF | EFLAGS_VIP;
	bool used = cpu_v86(cpu) ? cpu->cr4 & CR4_VME
				 : cpu->cpl == 3 && (cpu->cr4 & CR4_PVI) && cpu_protected(cpu);

	if (!used || (cpu->eflags & both) != both || (cpu->eflags & EFLAGS_IOPL) == EFLAGS_IOPL)
		return CPU_JUMP;
	cpu_raise(cpu, VEC_GP, 0);
	cpu->fault.at_target = true;
	return CPU_FAULT;
}

void v86_drop_segments(struct cpu *cpu)
{
	const struct cpu_segment null = { .attr = SEG_ATTR_UNUSABLE };

	cpu->seg[SEG_ES] = cpu->seg[SEG_DS] = null;
	cpu->seg[SEG_FS] = cpu->seg[SEG_GS] = null;
}
