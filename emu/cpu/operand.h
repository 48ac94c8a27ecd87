/* SPDX-License-Identifier: MIT */
/*
 * Sizes, masks and operands, as the semantics of many instructions want them.
 */
#pragma once

#include "emu/cpu/semantics.h"

/* The bits of an operand of size bytes (1, 2, 4). */
static inline u32 operand_mask(unsigned size)
{
	return size == 4 ? 0xffffffff : (1u << size * 8) - 1;
}

/* AF, ZF, SF and PF of r, which is a + b or a - b and has its sign in the bit top (SDM 1
 * 3.4.3.1). */
static inline u32 operand_flags(u32 a, u32 b, u32 r, u32 top)
{
	u32 f = 0;

	if ((a ^ b ^ r) & 0x10)
		f |= EFLAGS_AF;
	if (!r)
		f |= EFLAGS_ZF;
	if (r & top)
		f |= EFLAGS_SF;
	if (!__builtin_parity(r & 0xff))
		f |= EFLAGS_PF;
	return f;
}

/* A register, whose low size bytes are value's now. */
static inline u32 operand_merge(u32 old, u32 value, unsigned size)
{
	u32 mask = operand_mask(size);

	return (old & ~mask) | (value & mask);
}

/* A word in a register or in memory. */
static inline enum cpu_result operand16(struct cpu *cpu, const struct insn *in, u16 *v)
{
	if (in->is_mem)
		return cpu_mem_read(cpu, in->seg, insn_ea(cpu, in), v, 2);
	*v = (u16)cpu->gpr[in->rm];
	return CPU_NEXT;
}

/* The bits of addresses, and of ECX as a counter. */
static inline u32 insn_address_mask(const struct insn *in)
{
	return in->asize == 2 ? 0xffff : 0xffffffff;
}

/* The bits of the stack pointer, with this stack segment. */
static inline u32 cpu_stack_mask_of(const struct cpu_segment *ss)
{
	return ss->attr & SEG_ATTR_DB ? 0xffffffff : 0xffff;
}

static inline u32 cpu_stack_mask(const struct cpu *cpu)
{
	return cpu_stack_mask_of(&cpu->seg[SEG_SS]);
}

/* ESP with its stack pointer, all of it or SP, at sp: a 16-bit stack keeps the upper half. */
static inline u32 cpu_esp_at(const struct cpu *cpu, u32 sp)
{
	u32 mask = cpu_stack_mask(cpu);

	return (cpu->gpr[REG_ESP] & ~mask) | (sp & mask);
}

static inline unsigned cpu_iopl(const struct cpu *cpu)
{
	return (cpu->eflags & EFLAGS_IOPL) >> 12;
}

/* What an access of the instruction's own adds to ACCESS_READ or ACCESS_WRITE. */
static inline unsigned cpu_user_access(const struct cpu *cpu)
{
	return cpu->cpl == 3 ? ACCESS_USER : 0;
}
