/* SPDX-License-Identifier: MIT */
/*
 * Far JMP, CALL and RET (SDM 2). Gates and tasks, which a far JMP or CALL may name instead of a
 * code segment, are in call_gate.c and task_switch.c; IRET is in iret.c.
 */
#include "emu/cpu/transfer.h"
#include "emu/dev/strict.h"

/* RET sees an outer level: where it comes out, with parameters released on both stacks. */
static enum cpu_result return_outward(struct cpu *cpu, unsigned size, u32 release,
				      const struct cpu_segment *code, u32 eip)
{
	struct cpu_segment stack;
	unsigned cpl = code->sel & 3;
	u32 top[2], esp;

	if (transfer_pop(cpu, top, 2, size, 2 * size + release) != CPU_NEXT ||
	    transfer_stack(cpu, (u16)top[1], cpl, VEC_GP, 0, &stack) != CPU_NEXT)
		return CPU_FAULT;
	if (eip > code->limit)
		return cpu_raise(cpu, VEC_GP, 0);
	/* Nothing fails from here. */
	esp = top[0] + release;
	cpu->eip = eip;
	cpu->seg[SEG_CS] = *code;
	cpu->seg[SEG_SS] = stack;
	if (size == 2)
		esp &= 0xffff;
	transfer_set_sp(cpu, esp);
	cpu->cpl = (u8)cpl;
	transfer_drop_segments(cpu);
	return CPU_JUMP;
}

static enum cpu_result real_return(struct cpu *cpu, unsigned size, const u32 *w, u32 release)
{
	if (w[0] > cpu->seg[SEG_CS].limit)
		return cpu_raise(cpu, VEC_GP, 0);
	cpu->eip = w[0];
	cpu->seg[SEG_CS].sel = (u16)w[1];
	cpu->seg[SEG_CS].base = (u32)(u16)w[1] << 4;
	transfer_set_sp(cpu, cpu->gpr[REG_ESP] + 2 * size + release);
	return CPU_JUMP;
}

enum cpu_result cpu_far_return(struct cpu *cpu, const struct insn *in)
{
	u32 w[2], release = in->imm & 0xffff;
	struct cpu_segment code;
	u16 cs;

	if (transfer_pop(cpu, w, 2, in->osize, 0) != CPU_NEXT)
		return CPU_FAULT;
	if (!cpu_protected(cpu) || cpu_v86(cpu))
		return real_return(cpu, in->osize, w, release);
	cs = (u16)w[1];
	if ((cs & 3) < cpu->cpl)
		return cpu_raise(cpu, VEC_GP, cs & 0xfffcu);
	if (transfer_code(cpu, cs, cs & 3, VEC_GP, 0, &code) != CPU_NEXT)
		return CPU_FAULT;
	if ((cs & 3) > cpu->cpl)
		return return_outward(cpu, in->osize, release, &code, w[0]);
	if (w[0] > code.limit)
		return cpu_raise(cpu, VEC_GP, 0);
	cpu->eip = w[0];
	cpu->seg[SEG_CS] = code;
	transfer_set_sp(cpu, cpu->gpr[REG_ESP] + 2u * in->osize + release);
	return CPU_JUMP;
}

/* A far pointer to a system descriptor: gate or TSS. */
static enum cpu_result jump_system(struct cpu *cpu, u16 sel, const u32 desc[2], u32 next, bool call)
{
	struct task_switch t = { .why = call ? TASK_CALL : TASK_JUMP,
				 .eip = next,
				 .flags = cpu_eflags(cpu) };
	unsigned dpl = DESC_DPL(desc[1]);

	if (transfer_type_is_reserved(DESC_TYPE(desc[1])))
		return cpu_raise_for(cpu, VEC_GP, sel & 0xfffcu, STRICT_desc_reserved);
	switch (DESC_TYPE(desc[1])) {
	case SYS_CALL16:
	case SYS_CALL32:
		return call_gate_transfer(cpu, sel, desc, next, call);
	case SYS_TASK_GATE:
		if (dpl < cpu->cpl || dpl < (sel & 3u))
			return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
		if (!(desc[1] & DESC_P))
			return cpu_raise(cpu, VEC_NP, sel & 0xfffcu);
		return task_gate(cpu, desc, &t);
	case SYS_TSS16:
	case SYS_TSS32:
		if (dpl < cpu->cpl || dpl < (sel & 3u))
			return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
		return task_switch(cpu, sel, &t);
	}
	return cpu_raise(cpu, VEC_GP, sel & 0xfffcu); /* a busy TSS among them */
}

/* Code segment of a direct far transfer: the level stays. */
static enum cpu_result jump_code(struct cpu *cpu, u16 sel, u32 hi, struct cpu_segment *code)
{
	/* A conforming segment may be named with any RPL. */
	if ((sel & 3u) > cpu->cpl && (hi & (BIT(11) | BIT(10))) != (BIT(11) | BIT(10)))
		return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
	return transfer_code(cpu, sel, cpu->cpl, VEC_GP, 0, code);
}

enum cpu_result cpu_far_jump(struct cpu *cpu, const struct insn *in, u16 sel, u32 offset, bool call)
{
	u32 next = cpu->eip + in->len, desc[2];
	struct cpu_segment code;
	gla_t gla;

	if (in->osize == 2)
		offset &= 0xffff;
	if (!cpu_protected(cpu) || cpu_v86(cpu)) {
		code = cpu->seg[SEG_CS];
		code.sel = sel;
		code.base = (u32)sel << 4;
		return transfer_same_level(cpu, &code, offset, next, in->osize, call);
	}
	if ((sel & 0xfffc) == 0)
		return cpu_raise(cpu, VEC_GP, 0);
	if (cpu_read_descriptor(cpu, sel, VEC_GP, desc, &gla) != CPU_NEXT)
		return CPU_FAULT;
	if (!(desc[1] & DESC_S))
		return jump_system(cpu, sel, desc, next, call);
	if (jump_code(cpu, sel, desc[1], &code) != CPU_NEXT)
		return CPU_FAULT;
	return transfer_same_level(cpu, &code, offset, next, in->osize, call);
}
