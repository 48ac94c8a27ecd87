/* SPDX-License-Identifier: MIT */
/*
 * Segment registers and the descriptor inspection instructions.
 */
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/operand.h"

static void set_zf(struct cpu *cpu, bool on)
{
	cpu->eflags = on ? cpu->eflags | EFLAGS_ZF : cpu->eflags & ~EFLAGS_ZF;
}

static enum cpu_result load(struct cpu *cpu, unsigned seg, u16 sel)
{
	if (seg == SEG_CS || seg > SEG_GS)
		return cpu_raise_noerr(cpu, VEC_UD);
	return cpu_load_segment(cpu, (enum cpu_seg)seg, sel);
}

static enum cpu_result pop_seg(struct cpu *cpu, const struct insn *in)
{
	u32 mask = cpu_stack_mask(cpu);
	u32 esp = cpu->gpr[REG_ESP];
	u16 sel;

	if (cpu_mem_read(cpu, SEG_SS, esp & mask, &sel, 2) != CPU_NEXT ||
	    load(cpu, in->reg, sel) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_ESP] = (esp & ~mask) | ((esp + in->osize) & mask);
	return CPU_NEXT;
}

/* The descriptor that LAR, LSL, VERR and VERW ask about; false if it is not visible. */
static bool visible(struct cpu *cpu, u16 sel, u32 desc[2], struct cpu_segment *s,
		    enum cpu_result *res)
{
	gla_t gla;

	*res = CPU_NEXT;
	if ((sel & 0xfffc) == 0)
		return false;
	if (cpu_read_descriptor(cpu, sel, VEC_GP, desc, &gla) != CPU_NEXT) {
		if (cpu->fault.vector == VEC_PF)
			*res = CPU_FAULT;
		return false;
	}
	cpu_unpack_descriptor(sel, desc[0], desc[1], s);

	bool conforming = (s->attr & (SEG_ATTR_S | SEG_ATTR_CODE | SEG_ATTR_DOWN)) ==
			  (SEG_ATTR_S | SEG_ATTR_CODE | SEG_ATTR_DOWN);

	return conforming ||
	       (SEG_ATTR_DPL(s->attr) >= cpu->cpl && SEG_ATTR_DPL(s->attr) >= (sel & 3u));
}

static bool system_ok(unsigned type, bool lsl)
{
	/* SDM 2, LAR and LSL: valid system types. */
	u32 lar_types = BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(9) | BIT(11) | BIT(12);
	u32 lsl_types = BIT(1) | BIT(2) | BIT(3) | BIT(9) | BIT(11);

	return (lsl ? lsl_types : lar_types) & BIT(type);
}

enum cpu_result hard_inspect(struct cpu *cpu, const struct insn *in)
{
	struct cpu_segment s = { 0 };
	enum cpu_result res;
	u32 desc[2] = { 0 }, value;
	u16 sel;
	bool ok;

	if (!cpu_protected(cpu) || cpu_v86(cpu))
		return cpu_raise_noerr(cpu, VEC_UD);
	if (operand16(cpu, in, &sel) != CPU_NEXT)
		return CPU_FAULT;
	ok = visible(cpu, sel, desc, &s, &res);
	if (res == CPU_FAULT)
		return res;
	if (in->op == OP_LAR || in->op == OP_LSL) {
		ok = ok &&
		     ((s.attr & SEG_ATTR_S) || system_ok(s.attr & SEG_ATTR_TYPE, in->op == OP_LSL));
		value = in->op == OP_LAR ? desc[1] & 0x00ffff00 : s.limit;
		if (ok)
			cpu->gpr[in->reg] = operand_merge(cpu->gpr[in->reg], value, in->osize);
	} else {
		bool code = s.attr & SEG_ATTR_CODE, rw = s.attr & SEG_ATTR_WRITE;

		ok = ok && (s.attr & SEG_ATTR_S) && (in->op == OP_VERR ? !code || rw : !code && rw);
	}
	set_zf(cpu, ok);
	return CPU_NEXT;
}

enum cpu_result hard_arpl(struct cpu *cpu, const struct insn *in)
{
	u16 dst, rpl = cpu->gpr[in->reg] & 3;

	if (!cpu_protected(cpu) || cpu_v86(cpu))
		return cpu_raise_noerr(cpu, VEC_UD);
	if (operand16(cpu, in, &dst) != CPU_NEXT)
		return CPU_FAULT;
	if ((dst & 3) >= rpl) {
		set_zf(cpu, false);
		return CPU_NEXT;
	}
	dst = (u16)((dst & ~3) | rpl);
	if (in->is_mem && cpu_mem_write(cpu, in->seg, insn_ea(cpu, in), &dst, 2) != CPU_NEXT)
		return CPU_FAULT;
	if (!in->is_mem)
		cpu->gpr[in->rm] = (cpu->gpr[in->rm] & 0xffff0000) | dst;
	set_zf(cpu, true);
	return CPU_NEXT;
}

/* Behind a load of SS, interrupts wait for an instruction. */
static enum cpu_result loaded(struct cpu *cpu, const struct insn *in, enum cpu_result res)
{
	if (res == CPU_NEXT && in->reg == SEG_SS)
		cpu->shadow = CPU_SHADOW_MOV_SS;
	return res;
}

enum cpu_result hard_mov_to_seg(struct cpu *cpu, const struct insn *in)
{
	u16 sel;

	if (operand16(cpu, in, &sel) != CPU_NEXT)
		return CPU_FAULT;
	return loaded(cpu, in, load(cpu, in->reg, sel));
}

enum cpu_result hard_pop_seg(struct cpu *cpu, const struct insn *in)
{
	return loaded(cpu, in, pop_seg(cpu, in));
}
