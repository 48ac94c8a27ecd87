/* SPDX-License-Identifier: MIT */
/*
 * String instructions with all checks, an iteration at a time, for segments and modes where
 * translated code cannot copy them.
 */
#include "emu/cpu/hard_ops.h"

static u32 size_mask(unsigned size)
{
	return size == 4 ? 0xffffffff : (1u << size * 8) - 1;
}

/* Flags of a - b at the operand size. */
static void compare(struct cpu *cpu, u32 a, u32 b, unsigned size)
{
	u32 mask = size_mask(size), top = 1u << (size * 8 - 1), f = 0;

	a &= mask;
	b &= mask;

	u32 r = (a - b) & mask;

	if (a < b)
		f |= EFLAGS_CF;
	if ((a ^ b ^ r) & 0x10)
		f |= EFLAGS_AF;
	if (!r)
		f |= EFLAGS_ZF;
	if (r & top)
		f |= EFLAGS_SF;
	if (!__builtin_parity(r & 0xff))
		f |= EFLAGS_PF;
	if ((a ^ b) & (a ^ r) & top)
		f |= EFLAGS_OF;
	cpu->eflags = (cpu->eflags & ~(EFLAGS_ARITH & ~EFLAGS_DF)) | f;
}

static void advance(struct cpu *cpu, const struct insn *in, unsigned reg)
{
	u32 mask = in->asize == 2 ? 0xffff : 0xffffffff;
	u32 step = cpu->eflags & EFLAGS_DF ? 0u - in->osize : in->osize;

	cpu->gpr[reg] = (cpu->gpr[reg] & ~mask) | ((cpu->gpr[reg] + step) & mask);
}

static enum cpu_result one(struct cpu *cpu, const struct insn *in)
{
	u32 mask = in->asize == 2 ? 0xffff : 0xffffffff, a = 0, b = 0;
	u32 si = cpu->gpr[REG_ESI] & mask, di = cpu->gpr[REG_EDI] & mask;
	bool src = in->op == OP_MOVS || in->op == OP_CMPS || in->op == OP_LODS;
	bool dst_read = in->op == OP_CMPS || in->op == OP_SCAS;

	if (src && cpu_mem_read(cpu, in->seg, si, &a, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	if (dst_read && cpu_mem_read(cpu, SEG_ES, di, &b, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	switch (in->op) {
	case OP_MOVS:
	case OP_STOS:
		if (in->op == OP_STOS)
			a = cpu->gpr[REG_EAX];
		if (cpu_mem_write(cpu, SEG_ES, di, &a, in->osize) != CPU_NEXT)
			return CPU_FAULT;
		break;
	case OP_CMPS:
		compare(cpu, a, b, in->osize);
		break;
	case OP_SCAS:
		compare(cpu, cpu->gpr[REG_EAX], b, in->osize);
		break;
	default:
		cpu->gpr[REG_EAX] = (cpu->gpr[REG_EAX] & ~size_mask(in->osize)) | a;
	}
	if (src)
		advance(cpu, in, REG_ESI);
	if (in->op != OP_LODS)
		advance(cpu, in, REG_EDI);
	return CPU_NEXT;
}

enum cpu_result hard_string(struct cpu *cpu, const struct insn *in)
{
	u32 mask = in->asize == 2 ? 0xffff : 0xffffffff;
	bool compares = in->op == OP_CMPS || in->op == OP_SCAS;

	if (!in->rep)
		return one(cpu, in);
	while (cpu->gpr[REG_ECX] & mask) {
		if (one(cpu, in) != CPU_NEXT)
			return CPU_FAULT;
		cpu->gpr[REG_ECX] = (cpu->gpr[REG_ECX] & ~mask) | ((cpu->gpr[REG_ECX] - 1) & mask);
		if (compares && !!(cpu->eflags & EFLAGS_ZF) != (in->rep == 0xf3))
			break;
		if ((cpu->gpr[REG_ECX] & mask) && cpu_rep_interrupted(cpu))
			return CPU_RETRY;
	}
	return CPU_NEXT;
}
