/* SPDX-License-Identifier: MIT */
/*
 * Stack frames and BOUND. Everything is read or probed before a register changes.
 */
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/operand.h"
#include "emu/cpu/transfer.h"

enum cpu_result hard_pusha(struct cpu *cpu, const struct insn *in)
{
	return transfer_push(cpu, &cpu->seg[SEG_SS], cpu->cpl, &cpu->gpr[REG_ESP], cpu->gpr, 8,
			     in->osize);
}

enum cpu_result hard_popa(struct cpu *cpu, const struct insn *in)
{
	u32 esp = cpu->gpr[REG_ESP], v[8];

	for (unsigned i = 0; i < 8; i++) {
		v[i] = 0;
		if (cpu_mem_read(cpu, SEG_SS, (esp + i * in->osize) & cpu_stack_mask(cpu), &v[i],
				 in->osize) != CPU_NEXT)
			return CPU_FAULT;
	}
	for (unsigned i = 0; i < 8; i++)
		if (7 - i != REG_ESP)
			cpu->gpr[7 - i] = operand_merge(cpu->gpr[7 - i], v[i], in->osize);
	cpu->gpr[REG_ESP] = cpu_esp_at(cpu, esp + 8u * in->osize);
	return CPU_NEXT;
}

/* The new top must be writable (SDM 2, ENTER); its alignment is not looked at. */
static enum cpu_result probe_top(struct cpu *cpu, u32 offset, unsigned size)
{
	gla_t gla;

	if (cpu_seg_check(cpu, SEG_SS, offset, size, ACCESS_WRITE, &gla) != CPU_NEXT)
		return CPU_FAULT;
	return cpu_lin_probe_write(cpu, gla, size, cpu_user_access(cpu));
}

/*
 * What ENTER pushes: EBP, the frame pointers of the levels around it, and its own. A frame pointer
 * may be one that was just pushed, so each is read when it is its turn. store: else only probes.
 */
static enum cpu_result enter_push(struct cpu *cpu, const struct insn *in, u32 *top, bool store)
{
	unsigned level = in->imm2 & 31;
	u32 mask = cpu_stack_mask(cpu), ebp = cpu->gpr[REG_EBP], esp = cpu->gpr[REG_ESP], frame = 0;

	for (unsigned i = 0; i <= level; i++) {
		u32 v = i ? frame : ebp;

		if (i && i < level &&
		    cpu_mem_read(cpu, SEG_SS, (ebp - i * in->osize) & mask, &v, in->osize) !=
			    CPU_NEXT)
			return CPU_FAULT;
		esp = (esp - in->osize) & mask;
		if ((store ? cpu_mem_write(cpu, SEG_SS, esp, &v, in->osize)
			   : cpu_mem_probe_write(cpu, SEG_SS, esp, in->osize)) != CPU_NEXT)
			return CPU_FAULT;
		if (!i)
			frame = cpu_esp_at(cpu, esp);
	}
	*top = esp;
	return CPU_NEXT;
}

enum cpu_result hard_enter(struct cpu *cpu, const struct insn *in)
{
	u32 mask = cpu_stack_mask(cpu), frame = cpu->gpr[REG_ESP] - in->osize, esp, top;

	if (enter_push(cpu, in, &esp, false) != CPU_NEXT)
		return CPU_FAULT;
	top = (esp - (in->imm & 0xffff)) & mask;
	if (probe_top(cpu, top, in->osize) != CPU_NEXT ||
	    enter_push(cpu, in, &esp, true) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_EBP] = operand_merge(cpu->gpr[REG_EBP], cpu_esp_at(cpu, frame), in->osize);
	cpu->gpr[REG_ESP] = cpu_esp_at(cpu, top);
	return CPU_NEXT;
}

enum cpu_result hard_leave(struct cpu *cpu, const struct insn *in)
{
	u32 mask = cpu_stack_mask(cpu), ebp = cpu->gpr[REG_EBP] & mask, v = 0;

	if (cpu_mem_read(cpu, SEG_SS, ebp, &v, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_ESP] = cpu_esp_at(cpu, ebp + in->osize);
	cpu->gpr[REG_EBP] = operand_merge(cpu->gpr[REG_EBP], v, in->osize);
	return CPU_NEXT;
}

enum cpu_result hard_bound(struct cpu *cpu, const struct insn *in)
{
	u32 raw[2] = { 0 };
	s32 lo, hi, index;
	gva_t ea = insn_ea(cpu, in);

	if (!in->is_mem)
		return cpu_raise_noerr(cpu, VEC_UD);
	if (cpu_mem_read(cpu, in->seg, ea, &raw[0], in->osize) != CPU_NEXT ||
	    cpu_mem_read(cpu, in->seg, insn_ea_behind(in, ea, in->osize), &raw[1], in->osize) !=
		    CPU_NEXT)
		return CPU_FAULT;
	if (in->osize == 2) {
		index = (s16)cpu->gpr[in->reg];
		lo = (s16)raw[0];
		hi = (s16)raw[1];
	} else {
		index = (s32)cpu->gpr[in->reg];
		lo = (s32)raw[0];
		hi = (s32)raw[1];
	}
	return index < lo || index > hi ? cpu_raise_noerr(cpu, VEC_BR) : CPU_NEXT;
}
