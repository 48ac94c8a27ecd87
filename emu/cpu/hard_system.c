/* SPDX-License-Identifier: MIT */
/*
 * System registers and privileged instructions.
 */
#include "emu/cpu/hard_ops.h"
#include "emu/cpu/operand.h"
#include "emu/cpu/stops.h"
#include "emu/cpu/transfer.h"
#include "emu/dev/strict.h"

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
	cpu_tables_moved(cpu);
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

static enum cpu_result store16(struct cpu *cpu, const struct insn *in, u32 v)
{
	u16 w = (u16)v;

	if (in->is_mem)
		return cpu_mem_write(cpu, in->seg, insn_ea(cpu, in), &w, 2);
	cpu->gpr[in->rm] = operand_merge(cpu->gpr[in->rm], v, in->osize);
	return CPU_NEXT;
}

static bool is_reserved(const struct cpu_segment *s)
{
	return !(s->attr & SEG_ATTR_S) && transfer_type_is_reserved(s->attr & SEG_ATTR_TYPE);
}

enum cpu_result hard_lldt(struct cpu *cpu, const struct insn *in)
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
		if (is_reserved(&s))
			return cpu_raise_for(cpu, VEC_GP, sel & 0xfffcu, STRICT_desc_reserved);
		if ((s.attr & (SEG_ATTR_S | SEG_ATTR_TYPE)) != 2)
			return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
		if (!(s.attr & SEG_ATTR_P))
			return cpu_raise(cpu, VEC_NP, sel & 0xfffcu);
	}
	s.sel = sel;
	cpu->ldtr = s;
	cpu_tables_moved(cpu);
	cpu_env(cpu)->tables_changed(cpu);
	return CPU_NEXT;
}

enum cpu_result hard_ltr(struct cpu *cpu, const struct insn *in)
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
	if (is_reserved(&s))
		return cpu_raise_for(cpu, VEC_GP, sel & 0xfffcu, STRICT_desc_reserved);
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
	cpu_tables_moved(cpu);
	cpu_env(cpu)->tables_changed(cpu);
	return CPU_NEXT;
}

/* CR1 and what lies behind CR4 is #UD, whatever the CPL. */
static enum cpu_result cr_access(struct cpu *cpu, const struct insn *in)
{
	if (in->reg == 1 || in->reg > 4)
		return cpu_raise_noerr(cpu, VEC_UD);
	return privileged(cpu);
}

static enum cpu_result write_cr(struct cpu *cpu, unsigned n, u32 value)
{
	enum cpu_result res = cpu_write_cr(cpu, n, value);

	if (res != CPU_FAULT)
		cpu_stop_event(cpu, STOP_CR, n, 1, STOP_WRITES);
	return res;
}

enum cpu_result hard_mov_to_cr(struct cpu *cpu, const struct insn *in)
{
	if (cr_access(cpu, in) != CPU_NEXT)
		return CPU_FAULT;
	return write_cr(cpu, in->reg, cpu->gpr[in->rm]);
}

enum cpu_result hard_mov_from_cr(struct cpu *cpu, const struct insn *in)
{
	const u32 value[] = { cpu->cr0, 0, cpu->cr2, cpu->cr3, cpu->cr4 };

	if (cr_access(cpu, in) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[in->rm] = value[in->reg];
	return CPU_NEXT;
}

/* The number of the register, which DR4 and DR5 are other names for. */
static enum cpu_result dr_access(struct cpu *cpu, const struct insn *in, unsigned *n)
{
	*n = in->reg;
	if (*n == 4 || *n == 5) {
		if (cpu->cr4 & CR4_DE)
			return cpu_raise_noerr(cpu, VEC_UD);
		*n += 2;
	}
	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	if (cpu->dr[7] & DR7_GD) {
		cpu_raise_noerr(cpu, VEC_DB);
		cpu->fault.addr = DR6_BD;
		return CPU_FAULT;
	}
	return CPU_NEXT;
}

enum cpu_result hard_mov_from_dr(struct cpu *cpu, const struct insn *in)
{
	unsigned n;

	if (dr_access(cpu, in, &n) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[in->rm] = cpu->dr[n];
	return CPU_NEXT;
}

enum cpu_result hard_mov_to_dr(struct cpu *cpu, const struct insn *in)
{
	unsigned n;

	if (dr_access(cpu, in, &n) != CPU_NEXT)
		return CPU_FAULT;
	cpu->dr[n] = cpu_dr_image(n, cpu->gpr[in->rm]);
	cpu_debug_changed(cpu);
	return CPU_NEXT;
}

enum cpu_result hard_lmsw(struct cpu *cpu, const struct insn *in)
{
	u16 v;

	if (privileged(cpu) != CPU_NEXT || operand16(cpu, in, &v) != CPU_NEXT)
		return CPU_FAULT;
	return write_cr(cpu, 0, (cpu->cr0 & ~0xeu) | (v & 0xf)); /* cannot clear PE */
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

enum cpu_result hard_rdmsr(struct cpu *cpu, const struct insn *in)
{
	u64 v;

	(void)in;
	if (privileged(cpu) != CPU_NEXT || cpu_read_msr(cpu, cpu->gpr[REG_ECX], &v) != CPU_NEXT)
		return CPU_FAULT;
	set_pair(cpu, v);
	cpu_stop_event(cpu, STOP_MSR, cpu->gpr[REG_ECX], 1, STOP_READS);
	return CPU_NEXT;
}

enum cpu_result hard_wrmsr(struct cpu *cpu, const struct insn *in)
{
	enum cpu_result res;

	(void)in;
	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	res = cpu_write_msr(cpu, cpu->gpr[REG_ECX], pair(cpu));
	if (res != CPU_FAULT)
		cpu_stop_event(cpu, STOP_MSR, cpu->gpr[REG_ECX], 1, STOP_WRITES);
	return res;
}

enum cpu_result hard_xgetbv(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	if (!(cpu->cr4 & CR4_OSXSAVE))
		return cpu_raise_noerr(cpu, VEC_UD);
	if (cpu->gpr[REG_ECX])
		return cpu_raise(cpu, VEC_GP, 0);
	set_pair(cpu, cpu->xcr0);
	return CPU_NEXT;
}

enum cpu_result hard_xsetbv(struct cpu *cpu, const struct insn *in)
{
	u64 v = pair(cpu);

	(void)in;
	if (!(cpu->cr4 & CR4_OSXSAVE))
		return cpu_raise_noerr(cpu, VEC_UD);
	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	if (cpu->gpr[REG_ECX] || !cpu_xcr0_is_valid(cpu, v))
		return cpu_raise(cpu, VEC_GP, 0);
	cpu->xcr0 = v;
	cpu_env(cpu)->control_changed(cpu);
	return CPU_NEXT;
}

enum cpu_result hard_invlpg(struct cpu *cpu, const struct insn *in)
{
	if (!in->is_mem)
		return cpu_raise_noerr(cpu, VEC_UD);
	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	gla_t gla = cpu->seg[in->seg].base + insn_ea(cpu, in);

	cpu_translations_changed(cpu, PAGING_INVLPG, gla);
	return CPU_NEXT;
}

enum cpu_result hard_cpuid(struct cpu *cpu, const struct insn *in)
{
	u32 out[4];

	(void)in;
	cpu_env(cpu)->cpuid(cpu, cpu->gpr[REG_EAX], cpu->gpr[REG_ECX], out);
	cpu->gpr[REG_EAX] = out[0];
	cpu->gpr[REG_EBX] = out[1];
	cpu->gpr[REG_ECX] = out[2];
	cpu->gpr[REG_EDX] = out[3];
	return CPU_NEXT;
}

enum cpu_result hard_lgdt(struct cpu *cpu, const struct insn *in)
{
	return load_table(cpu, in, &cpu->gdtr);
}

enum cpu_result hard_lidt(struct cpu *cpu, const struct insn *in)
{
	return load_table(cpu, in, &cpu->idtr);
}

enum cpu_result hard_sgdt(struct cpu *cpu, const struct insn *in)
{
	return store_table(cpu, in, &cpu->gdtr);
}

enum cpu_result hard_sidt(struct cpu *cpu, const struct insn *in)
{
	return store_table(cpu, in, &cpu->idtr);
}

static enum cpu_result store_selector(struct cpu *cpu, const struct insn *in, u16 sel)
{
	if (!cpu_protected(cpu) || cpu_v86(cpu))
		return cpu_raise_noerr(cpu, VEC_UD);
	return store16(cpu, in, sel);
}

enum cpu_result hard_sldt(struct cpu *cpu, const struct insn *in)
{
	return store_selector(cpu, in, cpu->ldtr.sel);
}

enum cpu_result hard_str(struct cpu *cpu, const struct insn *in)
{
	return store_selector(cpu, in, cpu->tr.sel);
}

enum cpu_result hard_smsw(struct cpu *cpu, const struct insn *in)
{
	return store16(cpu, in, cpu->cr0);
}

enum cpu_result hard_clts(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	if (privileged(cpu) != CPU_NEXT)
		return CPU_FAULT;
	return write_cr(cpu, 0, cpu->cr0 & ~(u32)CR0_TS);
}

/* Also WBINVD: no cache is the guest's. */
enum cpu_result hard_invd(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	return privileged(cpu);
}

enum cpu_result hard_rdtsc(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	if ((cpu->cr4 & CR4_TSD) && cpu->cpl)
		return cpu_raise(cpu, VEC_GP, 0);
	set_pair(cpu, cpu_tsc(cpu));
	return CPU_NEXT;
}

/* CPUID tells of no counter, whatever CR4.PCE says. */
enum cpu_result hard_rdpmc(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	return cpu_raise(cpu, VEC_GP, 0);
}

enum cpu_result hard_hlt(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	return privileged(cpu) == CPU_NEXT ? CPU_HALT : CPU_FAULT;
}
