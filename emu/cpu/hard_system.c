/* SPDX-License-Identifier: MIT */
/*
 * System registers and privileged instructions.
 */
#include "emu/cpu/hard_ops.h"

static enum cpu_result privileged(struct cpu *cpu)
{
	return cpu->cpl ? cpu_raise(cpu, VEC_GP, 0) : CPU_NEXT;
}

static enum cpu_result load_table(struct cpu *cpu, const struct insn *in, struct cpu_table *t)
{
	gva_t ea = insn_ea(cpu, in);
	u16 limit;
	u32 base;

	if (!in->is_mem)
		return cpu_raise_noerr(cpu, VEC_UD);
	if (privileged(cpu) != CPU_NEXT || cpu_mem_read(cpu, in->seg, ea, &limit, 2) != CPU_NEXT ||
	    cpu_mem_read(cpu, in->seg, insn_ea_behind(in, ea, 2), &base, 4) != CPU_NEXT)
		return CPU_FAULT;
	t->limit = limit;
	t->base = in->osize == 2 ? base & 0xffffff : base;
	cpu_forget_loads(cpu);
	cpu_env(cpu)->tables_changed(cpu);
	return CPU_NEXT;
}

static enum cpu_result store_table(struct cpu *cpu, const struct insn *in,
				   const struct cpu_table *t)
{
	u8 image[6] = { (u8)t->limit,	    (u8)(t->limit >> 8), (u8)t->base,
			(u8)(t->base >> 8), (u8)(t->base >> 16), (u8)(t->base >> 24) };
	gva_t ea = insn_ea(cpu, in), base = insn_ea_behind(in, ea, 2);

	if (!in->is_mem)
		return cpu_raise_noerr(cpu, VEC_UD);
	if (base == ea + 2)
		return cpu_mem_write(cpu, in->seg, ea, image, 6);
	if (cpu_mem_probe_write(cpu, in->seg, base, 4) != CPU_NEXT ||
	    cpu_mem_write(cpu, in->seg, ea, image, 2) != CPU_NEXT)
		return CPU_FAULT;
	return cpu_mem_write(cpu, in->seg, base, image + 2, 4);
}

static enum cpu_result operand16(struct cpu *cpu, const struct insn *in, u16 *v)
{
	if (in->is_mem)
		return cpu_mem_read(cpu, in->seg, insn_ea(cpu, in), v, 2);
	*v = (u16)cpu->gpr[in->rm];
	return CPU_NEXT;
}

static enum cpu_result store16(struct cpu *cpu, const struct insn *in, u32 v)
{
	u16 w = (u16)v;

	if (in->is_mem)
		return cpu_mem_write(cpu, in->seg, insn_ea(cpu, in), &w, 2);
	cpu->gpr[in->rm] = in->osize == 2 ? (cpu->gpr[in->rm] & 0xffff0000) | w : v;
	return CPU_NEXT;
}

static enum cpu_result load_ldtr(struct cpu *cpu, const struct insn *in)
{
	struct cpu_segment s = { .attr = SEG_ATTR_UNUSABLE };
	u32 desc[2];
	gla_t gla;
	u16 sel;

	if (!cpu_protected(cpu) || cpu_v86(cpu))
		return cpu_raise_noerr(cpu, VEC_UD);
	if (privileged(cpu) != CPU_NEXT || operand16(cpu, in, &sel) != CPU_NEXT)
		return CPU_FAULT;
	if (sel & 0xfffc) {
		if (sel & 4)
			return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
		if (cpu_read_descriptor(cpu, sel, VEC_GP, desc, &gla) != CPU_NEXT)
			return CPU_FAULT;
		cpu_unpack_descriptor(sel, desc[0], desc[1], &s);
		if ((s.attr & (SEG_ATTR_S | SEG_ATTR_TYPE)) != 2)
			return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
		if (!(s.attr & SEG_ATTR_P))
			return cpu_raise(cpu, VEC_NP, sel & 0xfffcu);
	}
	s.sel = sel;
	cpu->ldtr = s;
	cpu_env(cpu)->tables_changed(cpu);
	return CPU_NEXT;
}

static enum cpu_result load_tr(struct cpu *cpu, const struct insn *in)
{
	struct cpu_segment s;
	u32 desc[2];
	gla_t gla;
	u16 sel;
	u8 type;

	if (!cpu_protected(cpu) || cpu_v86(cpu))
		return cpu_raise_noerr(cpu, VEC_UD);
	if (privileged(cpu) != CPU_NEXT || operand16(cpu, in, &sel) != CPU_NEXT)
		return CPU_FAULT;
	if ((sel & 0xfffc) == 0 || (sel & 4))
		return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
	if (cpu_read_descriptor(cpu, sel, VEC_GP, desc, &gla) != CPU_NEXT)
		return CPU_FAULT;
	cpu_unpack_descriptor(sel, desc[0], desc[1], &s);
	if ((s.attr & SEG_ATTR_S) ||
	    ((s.attr & SEG_ATTR_TYPE) != 1 && (s.attr & SEG_ATTR_TYPE) != 9))
		return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
	if (!(s.attr & SEG_ATTR_P))
		return cpu_raise(cpu, VEC_NP, sel & 0xfffcu);
	type = (u8)((desc[1] >> 8) | 2);
	if (cpu_lin_write(cpu, gla + 5, &type, 1, 0) != CPU_NEXT)
		return CPU_FAULT;
	s.attr |= 2;
	cpu->tr = s;
	cpu_env(cpu)->tables_changed(cpu);
	return CPU_NEXT;
}

static enum cpu_result mov_cr(struct cpu *cpu, const struct insn *in)
{
	if (in->reg == 1 || in->reg > 4) /* there is none, whatever the CPL */
		return cpu_raise_noerr(cpu, VEC_UD);
	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	if (in->op == OP_MOV_TO_CR)
		return cpu_write_cr(cpu, in->reg, cpu->gpr[in->rm]);
	switch (in->reg) {
	case 0:
		cpu->gpr[in->rm] = cpu->cr0;
		return CPU_NEXT;
	case 2:
		cpu->gpr[in->rm] = cpu->cr2;
		return CPU_NEXT;
	case 3:
		cpu->gpr[in->rm] = cpu->cr3;
		return CPU_NEXT;
	case 4:
		cpu->gpr[in->rm] = cpu->cr4;
		return CPU_NEXT;
	}
	return cpu_raise_noerr(cpu, VEC_UD);
}

static enum cpu_result mov_dr(struct cpu *cpu, const struct insn *in)
{
	unsigned n = in->reg;

	if (n == 4 || n == 5) {
		if (cpu->cr4 & CR4_DE)
			return cpu_raise_noerr(cpu, VEC_UD);
		n += 2;
	}
	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	if (cpu->dr[7] & DR7_GD) {
		cpu_raise_noerr(cpu, VEC_DB);
		cpu->fault.addr = DR6_BD;
		return CPU_FAULT;
	}
	if (in->op == OP_MOV_FROM_DR)
		cpu->gpr[in->rm] = cpu->dr[n];
	else
		cpu->dr[n] = cpu_dr_image(n, cpu->gpr[in->rm]);
	if (in->op == OP_MOV_TO_DR)
		cpu_debug_changed(cpu);
	return CPU_NEXT;
}

static enum cpu_result lmsw(struct cpu *cpu, const struct insn *in)
{
	u16 v;

	if (privileged(cpu) != CPU_NEXT || operand16(cpu, in, &v) != CPU_NEXT)
		return CPU_FAULT;
	return cpu_write_cr(cpu, 0, (cpu->cr0 & ~0xeu) | (v & 0xf)); /* cannot clear PE */
}

static void set_pair(struct cpu *cpu, u64 v)
{
	cpu->gpr[REG_EAX] = (u32)v;
	cpu->gpr[REG_EDX] = (u32)(v >> 32);
}

static u64 pair(const struct cpu *cpu)
{
	return (u64)cpu->gpr[REG_EDX] << 32 | cpu->gpr[REG_EAX];
}

static enum cpu_result msr(struct cpu *cpu, const struct insn *in)
{
	u64 v;

	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	if (in->op == OP_WRMSR)
		return cpu_write_msr(cpu, cpu->gpr[REG_ECX], pair(cpu));
	if (cpu_read_msr(cpu, cpu->gpr[REG_ECX], &v) != CPU_NEXT)
		return CPU_FAULT;
	set_pair(cpu, v);
	return CPU_NEXT;
}

static enum cpu_result xcr(struct cpu *cpu, const struct insn *in)
{
	u64 v = pair(cpu);

	if (!(cpu->cr4 & CR4_OSXSAVE))
		return cpu_raise_noerr(cpu, VEC_UD);
	if (in->op == OP_XGETBV) {
		if (cpu->gpr[REG_ECX])
			return cpu_raise(cpu, VEC_GP, 0);
		set_pair(cpu, cpu->xcr0);
		return CPU_NEXT;
	}
	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	if (cpu->gpr[REG_ECX] || !cpu_xcr0_is_valid(cpu, v))
		return cpu_raise(cpu, VEC_GP, 0);
	cpu->xcr0 = v;
	cpu_env(cpu)->control_changed(cpu);
	return CPU_NEXT;
}

static enum cpu_result invlpg(struct cpu *cpu, const struct insn *in)
{
	if (!in->is_mem)
		return cpu_raise_noerr(cpu, VEC_UD);
	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	gla_t gla = cpu->seg[in->seg].base + insn_ea(cpu, in);

	cpu_translations_changed(cpu, PAGING_INVLPG, gla);
	return CPU_NEXT;
}

static enum cpu_result cpuid(struct cpu *cpu)
{
	u32 out[4];

	cpu_env(cpu)->cpuid(cpu, cpu->gpr[REG_EAX], cpu->gpr[REG_ECX], out);
	cpu->gpr[REG_EAX] = out[0];
	cpu->gpr[REG_EBX] = out[1];
	cpu->gpr[REG_ECX] = out[2];
	cpu->gpr[REG_EDX] = out[3];
	return CPU_NEXT;
}

enum cpu_result hard_system(struct cpu *cpu, const struct insn *in)
{
	switch (in->op) {
	case OP_LGDT:
		return load_table(cpu, in, &cpu->gdtr);
	case OP_LIDT:
		return load_table(cpu, in, &cpu->idtr);
	case OP_SGDT:
		return store_table(cpu, in, &cpu->gdtr);
	case OP_SIDT:
		return store_table(cpu, in, &cpu->idtr);
	case OP_LLDT:
		return load_ldtr(cpu, in);
	case OP_LTR:
		return load_tr(cpu, in);
	case OP_SLDT:
	case OP_STR:
		if (!cpu_protected(cpu) || cpu_v86(cpu))
			return cpu_raise_noerr(cpu, VEC_UD);
		return store16(cpu, in, in->op == OP_STR ? cpu->tr.sel : cpu->ldtr.sel);
	case OP_SMSW:
		return store16(cpu, in, cpu->cr0);
	case OP_LMSW:
		return lmsw(cpu, in);
	case OP_CLTS:
		if (privileged(cpu) != CPU_NEXT)
			return CPU_FAULT;
		return cpu_write_cr(cpu, 0, cpu->cr0 & ~(u32)CR0_TS);
	case OP_MOV_FROM_CR:
	case OP_MOV_TO_CR:
		return mov_cr(cpu, in);
	case OP_MOV_FROM_DR:
	case OP_MOV_TO_DR:
		return mov_dr(cpu, in);
	case OP_INVLPG:
		return invlpg(cpu, in);
	case OP_INVD:
	case OP_WBINVD:
		return privileged(cpu);
	case OP_RDMSR:
	case OP_WRMSR:
		return msr(cpu, in);
	case OP_RDTSC:
		if ((cpu->cr4 & CR4_TSD) && cpu->cpl)
			return cpu_raise(cpu, VEC_GP, 0);
		set_pair(cpu, cpu_tsc(cpu));
		return CPU_NEXT;
	case OP_RDPMC: /* CPUID tells of no counter, whatever CR4.PCE says */
		return cpu_raise(cpu, VEC_GP, 0);
	case OP_CPUID:
		return cpuid(cpu);
	case OP_HLT:
		return privileged(cpu) == CPU_NEXT ? CPU_HALT : CPU_FAULT;
	case OP_XGETBV:
	case OP_XSETBV:
		return xcr(cpu, in);
	}
	return cpu_raise_noerr(cpu, VEC_UD);
}
