/* SPDX-License-Identifier: MIT */
/*
 * Decimal adjustment: no encodings in 64-bit mode. Flags as the SDM defines them; undefined ones as
 * processors of the P6 family leave them (OF clear).
 */
#include "emu/cpu/hard_ops.h"

static u8 al(const struct cpu *cpu)
{
	return (u8)cpu->gpr[REG_EAX];
}

static u8 ah(const struct cpu *cpu)
{
	return (u8)(cpu->gpr[REG_EAX] >> 8);
}

static void set_ax(struct cpu *cpu, u8 h, u8 l)
{
	cpu->gpr[REG_EAX] = (cpu->gpr[REG_EAX] & 0xffff0000) | (u32)h << 8 | l;
}

static void set_flags(struct cpu *cpu, u8 result, bool cf, bool af)
{
	u32 f = 0;

	if (cf)
		f |= EFLAGS_CF;
	if (af)
		f |= EFLAGS_AF;
	if (!result)
		f |= EFLAGS_ZF;
	if (result & 0x80)
		f |= EFLAGS_SF;
	if (!__builtin_parity(result))
		f |= EFLAGS_PF;
	cpu->eflags = (cpu->eflags & ~(EFLAGS_ARITH & ~EFLAGS_DF)) | f;
}

static void adjust_decimal(struct cpu *cpu, bool sub)
{
	u8 old = al(cpu), v = old;
	bool cf = cpu->eflags & EFLAGS_CF, af = cpu->eflags & EFLAGS_AF, carry = false;

	if ((old & 0xf) > 9 || af) {
		carry = sub ? old < 6 || cf : old > 0xf9 || cf;
		v = (u8)(sub ? v - 6 : v + 6);
		af = true;
	} else {
		af = false;
	}
	if (old > 0x99 || cf) {
		v = (u8)(sub ? v - 0x60 : v + 0x60);
		carry = true;
	}
	set_ax(cpu, ah(cpu), v);
	set_flags(cpu, v, carry, af);
}

static void adjust_ascii(struct cpu *cpu, bool sub)
{
	u16 ax = (u16)cpu->gpr[REG_EAX];
	bool adjust = (ax & 0xf) > 9 || (cpu->eflags & EFLAGS_AF);

	if (adjust)
		ax = (u16)(sub ? ax - 0x106 : ax + 0x106);
	ax &= 0xff0f;
	set_ax(cpu, (u8)(ax >> 8), (u8)ax);
	set_flags(cpu, (u8)ax, adjust, adjust);
}

enum cpu_result hard_daa(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	adjust_decimal(cpu, false);
	return CPU_NEXT;
}

enum cpu_result hard_das(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	adjust_decimal(cpu, true);
	return CPU_NEXT;
}

enum cpu_result hard_aaa(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	adjust_ascii(cpu, false);
	return CPU_NEXT;
}

enum cpu_result hard_aas(struct cpu *cpu, const struct insn *in)
{
	(void)in;
	adjust_ascii(cpu, true);
	return CPU_NEXT;
}

enum cpu_result hard_aam(struct cpu *cpu, const struct insn *in)
{
	u8 base = (u8)in->imm, v = al(cpu);

	if (!base)
		return cpu_raise_noerr(cpu, VEC_DE);
	set_ax(cpu, v / base, v % base);
	set_flags(cpu, al(cpu), false, false);
	return CPU_NEXT;
}

enum cpu_result hard_aad(struct cpu *cpu, const struct insn *in)
{
	set_ax(cpu, 0, (u8)(al(cpu) + ah(cpu) * (u8)in->imm));
	set_flags(cpu, al(cpu), false, false);
	return CPU_NEXT;
}
