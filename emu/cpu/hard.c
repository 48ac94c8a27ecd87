/* SPDX-License-Identifier: MIT */
/*
 * The dispatch of hard instructions, and the far transfers and interrupts among them.
 */
#include "emu/cpu/hard_ops.h"
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

static void flat(struct cpu_segment *s, u16 sel, u16 attr)
{
	*s = (struct cpu_segment){ .sel = sel, .attr = attr, .limit = 0xffffffff };
}

static enum cpu_result sysenter(struct cpu *cpu)
{
	u16 cs = (u16)(cpu->msr.sysenter_cs & 0xfffc);

	if (!cpu_protected(cpu) || !cs)
		return cpu_raise(cpu, VEC_GP, 0);
	cpu->eflags &= ~(EFLAGS_VM | EFLAGS_RF);
	cpu->vif = 0;
	flat(&cpu->seg[SEG_CS], cs, 0xc09b);
	flat(&cpu->seg[SEG_SS], (u16)(cs + 8), 0xc093);
	cpu->gpr[REG_ESP] = (u32)cpu->msr.sysenter_esp;
	cpu->eip = (u32)cpu->msr.sysenter_eip;
	cpu_set_cpl(cpu, 0);
	return CPU_JUMP;
}

static enum cpu_result sysexit(struct cpu *cpu)
{
	u16 cs = (u16)(cpu->msr.sysenter_cs & 0xfffc);

	if (!cpu_protected(cpu) || !cs || cpu->cpl)
		return cpu_raise(cpu, VEC_GP, 0);
	flat(&cpu->seg[SEG_CS], (u16)((cs + 16) | 3), 0xc0fb);
	flat(&cpu->seg[SEG_SS], (u16)((cs + 24) | 3), 0xc0f3);
	cpu->gpr[REG_ESP] = cpu->gpr[REG_ECX];
	cpu->eip = cpu->gpr[REG_EDX];
	cpu_set_cpl(cpu, 3);
	return CPU_JUMP;
}

static enum cpu_result load_far_pointer(struct cpu *cpu, const struct insn *in)
{
	u32 offset;
	u16 sel;

	if (!in->is_mem)
		return cpu_raise_noerr(cpu, VEC_UD);
	if (far_pointer(cpu, in, &offset, &sel) != CPU_NEXT ||
	    cpu_load_segment(cpu, (enum cpu_seg)in->imm, sel) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[in->reg] = in->osize == 2 ? (cpu->gpr[in->reg] & 0xffff0000) | offset : offset;
	return CPU_NEXT;
}

static enum cpu_result dispatch(struct cpu *cpu, const struct insn *in)
{
	switch ((enum insn_op)in->op) {
	case OP_CALL_FAR_IMM:
		return cpu_far_jump(cpu, in, in->imm2, in->imm, true);
	case OP_JMP_FAR_IMM:
		return cpu_far_jump(cpu, in, in->imm2, in->imm, false);
	case OP_CALL_FAR_MEM:
		return far_indirect(cpu, in, true);
	case OP_JMP_FAR_MEM:
		return far_indirect(cpu, in, false);
	case OP_RET_FAR:
		return cpu_far_return(cpu, in);
	case OP_IRET:
		return cpu_iret(cpu, in);
	case OP_INT:
		return soft_int(cpu, in, (u8)in->imm, EVENT_SOFT_INT);
	case OP_INT3:
		return soft_int(cpu, in, VEC_BP, EVENT_SOFT_INT3);
	case OP_INT1:
		return soft_int(cpu, in, VEC_DB, EVENT_INT1);
	case OP_INTO:
		return cpu->eflags & EFLAGS_OF ? soft_int(cpu, in, VEC_OF, EVENT_SOFT_INT3)
					       : CPU_NEXT;
	case OP_SYSENTER:
		return sysenter(cpu);
	case OP_SYSEXIT:
		return sysexit(cpu);
	case OP_LOAD_FAR_POINTER:
		return load_far_pointer(cpu, in);
	case OP_MOV_TO_SEG ... OP_POP_SEG:
	case OP_LAR ... OP_ARPL:
		return hard_segment(cpu, in);
	case OP_LGDT ... OP_RSM:
		return hard_system(cpu, in);
	case OP_CLI ... OP_POPF:
		return hard_flags(cpu, in);
	case OP_IN ... OP_OUTS:
		return hard_io(cpu, in);
	case OP_PUSHA ... OP_BOUND:
		return hard_stack(cpu, in);
	case OP_DAA ... OP_AAD:
		return hard_bcd(cpu, in);
	case OP_FXSAVE ... OP_XRSTOR:
		return hard_fpu(cpu, in);
	case OP_GATHER ... OP_MASKED_MOVE:
		return hard_vector(cpu, in);
	case OP_MOVS ... OP_SCAS:
		return hard_string(cpu, in);
	case OP_UD:
	case OP_COUNT:
		break;
	}
	return cpu_raise_noerr(cpu, VEC_UD);
}

enum cpu_result cpu_hard_exec(struct cpu *cpu, const struct insn *in)
{
	u32 eip = cpu->eip;
	enum cpu_result res;

	if (in->lock)
		return cpu_raise_noerr(cpu, VEC_UD);
	res = dispatch(cpu, in);
	if (res == CPU_NEXT || (res == CPU_JUMP && in->op >= OP_MOV_TO_SEG && cpu->eip == eip) ||
	    res == CPU_HALT)
		cpu->eip = eip + in->len;
	return res;
}
