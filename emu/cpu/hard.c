/* SPDX-License-Identifier: MIT */
/*
 * What C executes, by its operation's function in insn.def; and the far transfers and interrupts
 * among them.
 */
#include "emu/cpu/cpu_model.h"
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/operand.h"
#include "emu/cpu/transfer.h"

static enum cpu_result far_pointer(struct cpu *cpu, const struct insn *in, u32 *offset, u16 *sel)
{
	gva_t ea = insn_ea(cpu, in);

	*offset = 0;
	if (cpu_mem_read(cpu, in->seg, ea, offset, in->osize) != CPU_NEXT)
		return CPU_FAULT;
	return cpu_mem_read(cpu, in->seg, insn_ea_behind(in, ea, in->osize), sel, 2);
}

static enum cpu_result far_indirect(struct cpu *cpu, const struct insn *in, bool call)
{
	u32 offset;
	u16 sel;

	if (!in->is_mem)
		return cpu_raise_noerr(cpu, VEC_UD);
	if (far_pointer(cpu, in, &offset, &sel) != CPU_NEXT)
		return CPU_FAULT;
	return cpu_far_jump(cpu, in, sel, offset, call);
}

enum cpu_result hard_call_far_imm(struct cpu *cpu, const struct insn *in)
{
	return cpu_far_jump(cpu, in, in->imm2, in->imm, true);
}

enum cpu_result hard_jmp_far_imm(struct cpu *cpu, const struct insn *in)
{
	return cpu_far_jump(cpu, in, in->imm2, in->imm, false);
}

enum cpu_result hard_call_far_mem(struct cpu *cpu, const struct insn *in)
{
	return far_indirect(cpu, in, true);
}

enum cpu_result hard_jmp_far_mem(struct cpu *cpu, const struct insn *in)
{
	return far_indirect(cpu, in, false);
}

static enum cpu_result soft_int(struct cpu *cpu, const struct insn *in, u8 vector,
				enum cpu_event_kind kind)
{
	u32 eip = cpu->eip;
	enum cpu_result res;

	cpu->eip += in->len;
	res = cpu_deliver(cpu, vector, kind, false, 0);
	if (res == CPU_FAULT && !cpu->fault.at_target)
		cpu->eip = eip;
	return res;
}

enum cpu_result hard_int(struct cpu *cpu, const struct insn *in)
{
	if (cpu->tells_ints && (!cpu_protected(cpu) || cpu_v86(cpu)))
		cpu_env(cpu)->soft_int(cpu, (u8)in->imm);
	return soft_int(cpu, in, (u8)in->imm, EVENT_SOFT_INT);
}

enum cpu_result hard_int3(struct cpu *cpu, const struct insn *in)
{
	return soft_int(cpu, in, VEC_BP, EVENT_SOFT_INT3);
}

enum cpu_result hard_int1(struct cpu *cpu, const struct insn *in)
{
	return soft_int(cpu, in, VEC_DB, EVENT_INT1);
}

enum cpu_result hard_into(struct cpu *cpu, const struct insn *in)
{
	return cpu->eflags & EFLAGS_OF ? soft_int(cpu, in, VEC_OF, EVENT_SOFT_INT3) : CPU_NEXT;
}

static void flat(struct cpu_segment *s, u16 sel, u16 attr)
{
	*s = (struct cpu_segment){ .sel = sel, .attr = attr, .limit = 0xffffffff };
}

enum cpu_result hard_sysenter(struct cpu *cpu, const struct insn *in)
{
	u16 cs = (u16)(cpu->msr.sysenter_cs & 0xfffc);

	(void)in;
	if (cpu->model && !(cpu->model->edx & CPUID_SEP))
		return cpu_raise_noerr(cpu, VEC_UD);
	if (!cpu_protected(cpu) || !cs)
		return cpu_raise(cpu, VEC_GP, 0);
	cpu->eflags &= ~(EFLAGS_VM | EFLAGS_RF);
	cpu->vif = 0;
	flat(&cpu->seg[SEG_CS], cs, 0xc09b);
	flat(&cpu->seg[SEG_SS], (u16)(cs + 8), 0xc093);
	cpu->gpr[REG_ESP] = (u32)cpu->msr.sysenter_esp;
	cpu->eip = (u32)cpu->msr.sysenter_eip;
	cpu->cpl = 0;
	return CPU_JUMP;
}

enum cpu_result hard_sysexit(struct cpu *cpu, const struct insn *in)
{
	u16 cs = (u16)(cpu->msr.sysenter_cs & 0xfffc);

	(void)in;
	if (!cpu_protected(cpu) || !cs || cpu->cpl)
		return cpu_raise(cpu, VEC_GP, 0);
	flat(&cpu->seg[SEG_CS], (u16)((cs + 16) | 3), 0xc0fb);
	flat(&cpu->seg[SEG_SS], (u16)((cs + 24) | 3), 0xc0f3);
	cpu->gpr[REG_ESP] = cpu->gpr[REG_ECX];
	cpu->eip = cpu->gpr[REG_EDX];
	cpu->cpl = 3;
	return CPU_JUMP;
}

enum cpu_result hard_load_far_pointer(struct cpu *cpu, const struct insn *in)
{
	u32 offset;
	u16 sel;

	if (!in->is_mem)
		return cpu_raise_noerr(cpu, VEC_UD);
	if (far_pointer(cpu, in, &offset, &sel) != CPU_NEXT ||
	    cpu_load_segment(cpu, (enum cpu_seg)in->imm, sel) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[in->reg] = operand_merge(cpu->gpr[in->reg], offset, in->osize);
	return CPU_NEXT;
}

enum cpu_result hard_ud(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	return cpu_raise_noerr(cpu, VEC_UD);
}

static enum cpu_result (*const hard_function[OP_COUNT])(struct cpu *cpu, const struct insn *in) = {
	[OP_COPY] = hard_ud,
#define OP(name, function, how) [OP_##name] = (function),
#include "emu/isa/insn.def"
#undef OP
};

enum cpu_result cpu_hard_exec(struct cpu *cpu, const struct insn *in)
{
	u32 eip = cpu->eip;
	enum cpu_result res;

	if (in->lock)
		return cpu_raise_noerr(cpu, VEC_UD);
	res = hard_function[in->op](cpu, in);
	if (res == CPU_NEXT || res == CPU_HALT ||
	    (res == CPU_JUMP && !isa_op_is(in->op, HOW_TRANSFERS) && cpu->eip == eip))
		cpu->eip = eip + in->len;
	return res;
}
