/* SPDX-License-Identifier: MIT */
/*
 * How much of a string instruction's operand can be done at once.
 */
#include "emu/cpu/string_span.h"

#include "emu/cpu/operand.h"
#include "kernel/base/string.h"

bool cpu_string_range(struct cpu *cpu, enum cpu_seg seg, const struct insn *in, u32 offset,
		      unsigned access, struct softtlb_entry *e, gla_t *gla, u32 *n)
{
	u32 mask = insn_address_mask(in);
	unsigned user = cpu_user_access(cpu);
	const struct softtlb_entry *found;

	*n = MIN(*n, (mask - offset) / in->osize);
	if (!*n || cpu_seg_check(cpu, seg, offset, in->osize, access, gla) != CPU_NEXT)
		return false;
	*n = MIN(*n, (PAGE_SIZE - (*gla & (PAGE_SIZE - 1))) / in->osize);
	if (!*n || !cpu_seg_within(&cpu->seg[seg], offset, *n * in->osize) ||
	    cpu_debug_watches(cpu, *gla))
		return false;
	found = cpu_translate(cpu, *gla, access | user);
	if (!found)
		return false;
	*e = *found;
	return true;
}

bool cpu_string_span(struct cpu *cpu, enum cpu_seg seg, const struct insn *in, u32 offset,
		     unsigned access, struct softtlb_entry *e, gla_t *gla, u32 *n)
{
	if (!cpu_string_range(cpu, seg, in, offset, access, e, gla, n) || !e->host)
		return false;
	if (!(access & ACCESS_WRITE) && !(e->rights & BIT(access | cpu_user_access(cpu))))
		cpu_tell_unwritten(cpu, e->gpa + (*gla & (PAGE_SIZE - 1)), *n * in->osize);
	return true;
}

void cpu_string_fill(u8 *to, u32 value, unsigned size, u32 n)
{
	u64 eight = size == 2 ? (u16)value * 0x0001000100010001ull : value * 0x0000000100000001ull;

	if (size == 1 || value == 0) {
		memset(to, (int)value, (size_t)n * size);
		return;
	}
	for (n *= size; n >= 8; n -= 8, to += 8)
		__builtin_memcpy(to, &eight, 8);
	memcpy(to, &eight, n);
}

void cpu_string_move(struct cpu *cpu, const struct insn *in, unsigned reg, u32 by)
{
	u32 mask = insn_address_mask(in);

	cpu->gpr[reg] = (cpu->gpr[reg] & ~mask) | ((cpu->gpr[reg] + by) & mask);
}

void cpu_string_advance(struct cpu *cpu, const struct insn *in)
{
	u32 by = cpu->eflags & EFLAGS_DF ? 0u - in->osize : in->osize;

	if (in->op == OP_MOVS || in->op == OP_CMPS || in->op == OP_LODS)
		cpu_string_move(cpu, in, REG_ESI, by);
	if (in->op != OP_LODS)
		cpu_string_move(cpu, in, REG_EDI, by);
}
