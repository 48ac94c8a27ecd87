/* SPDX-License-Identifier: MIT */
/*
 * Stack frames and BOUND. Everything is read or probed before a register changes.
 */
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/transfer.h"

static u32 sp_mask(const struct cpu *cpu)
{
	return cpu->seg[SEG_SS].attr & SEG_ATTR_DB ? 0xffffffff : 0xffff;
}

static u32 merge(u32 old, u32 value, unsigned size)
{
	return size == 2 ? (old & 0xffff0000) | (value & 0xffff) : value;
}

static enum cpu_result pusha(struct cpu *cpu, const struct insn *in)
{
	return transfer_push(cpu, &cpu->seg[SEG_SS], cpu->cpl, &cpu->gpr[REG_ESP], cpu->gpr, 8,
			     in->osize);
}

static enum cpu_result popa(struct cpu *cpu, const struct insn *in)
{
	u32 esp = cpu->gpr[REG_ESP], v[8];

	for (unsigned i = 0; i < 8; i++) {
		v[i] = 0;
		if (cpu_mem_read(cpu, SEG_SS, (esp + i * in->osize) & sp_mask(cpu), &v[i],
				 in->osize) != CPU_NEXT)
			return CPU_FAULT;
	}
	for (unsigned i = 0; i < 8; i++)
		if (7 - i != REG_ESP)
			cpu->gpr[7 - i] = merge(cpu->gpr[7 - i], v[i], in->osize);
	cpu->gpr[REG_ESP] = (esp & ~sp_mask(cpu)) | ((esp + 8u * in->osize) & sp_mask(cpu));
	return CPU_NEXT;
}

static enum cpu_result enter(struct cpu *cpu, const struct insn *in)
{
	unsigned level = in->imm2 & 31;
	u32 mask = sp_mask(cpu), esp = cpu->gpr[REG_ESP], ebp = cpu->gpr[REG_EBP], frame;

	esp = (esp - in->osize) & mask;
	if (cpu_mem_write(cpu, SEG_SS, esp, &ebp, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	frame = esp;
	for (unsigned i = 1; i < level; i++) {
		u32 v = 0;

		if (cpu_mem_read(cpu, SEG_SS, (ebp - i * in->osize) & mask, &v, in->osize) !=
		    CPU_NEXT)
			return CPU_FAULT;
		esp = (esp - in->osize) & mask;
		if (cpu_mem_write(cpu, SEG_SS, esp, &v, in->osize) != CPU_NEXT)
			return CPU_FAULT;
	}
	if (level) {
		esp = (esp - in->osize) & mask;
		if (cpu_mem_write(cpu, SEG_SS, esp, &frame, in->osize) != CPU_NEXT)
			return CPU_FAULT;
	}
	esp = (esp - (in->imm & 0xffff)) & mask;
	/* The new top must be writable (SDM 2, ENTER). */
	gla_t gla;

	if (cpu_seg_check(cpu, SEG_SS, esp, in->osize, ACCESS_WRITE, &gla) != CPU_NEXT ||
	    cpu_lin_probe_write(cpu, gla, in->osize, cpu->cpl == 3 ? ACCESS_USER : 0) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_EBP] = merge(ebp, frame, in->osize);
	cpu->gpr[REG_ESP] = (cpu->gpr[REG_ESP] & ~mask) | esp;
	return CPU_NEXT;
}

static enum cpu_result leave(struct cpu *cpu, const struct insn *in)
{
	u32 mask = sp_mask(cpu), ebp = cpu->gpr[REG_EBP] & mask, v = 0;

	if (cpu_mem_read(cpu, SEG_SS, ebp, &v, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_ESP] = (cpu->gpr[REG_ESP] & ~mask) | ((ebp + in->osize) & mask);
	cpu->gpr[REG_EBP] = merge(cpu->gpr[REG_EBP], v, in->osize);
	return CPU_NEXT;
}

static enum cpu_result bound(struct cpu *cpu, const struct insn *in)
{
	u32 raw[2] = { 0 };
	s32 lo, hi, index;
	gva_t ea = insn_ea(cpu, in);

	if (!in->is_mem)
		return cpu_raise_noerr(cpu, VEC_UD);
	if (cpu_mem_read(cpu, in->seg, ea, &raw[0], in->osize) != CPU_NEXT ||
	    cpu_mem_read(cpu, in->seg, ea + in->osize, &raw[1], in->osize) != CPU_NEXT)
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

enum cpu_result hard_stack(struct cpu *cpu, const struct insn *in)
{
	switch (in->op) {
	case OP_PUSHA:
		return pusha(cpu, in);
	case OP_POPA:
		return popa(cpu, in);
	case OP_ENTER:
		return enter(cpu, in);
	case OP_LEAVE:
		return leave(cpu, in);
	default:
		return bound(cpu, in);
	}
}
