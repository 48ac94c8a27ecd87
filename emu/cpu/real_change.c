/* SPDX-License-Identifier: MIT */
/*
 * INT n of real mode and IRET of real and V86 mode as programs of DOS do them thousands of times a
 * second: 16 bits, on a stack of 64 KiB whose six bytes lie together and can be reached without
 * looking. Of all else nothing is done, and deliver.c and iret.c find out what the case is, faults
 * included.
 */
#include "emu/cpu/operand.h"
#include "emu/cpu/transfer.h"

#define FRAME 6u /* IP, CS, FLAGS */
#define STACK_MASK \
	(SEG_ATTR_DB | SEG_ATTR_WRITE | SEG_ATTR_CODE | SEG_ATTR_DOWN | SEG_ATTR_UNUSABLE)

static bool small(const struct cpu_segment *s)
{
	return (s->attr & STACK_MASK) == SEG_ATTR_WRITE && s->limit == 0xffff;
}

static u16 word(const u8 *p)
{
	u16 v;

	__builtin_memcpy(&v, p, 2);
	return v;
}

static void put_word(u8 *p, u32 v)
{
	__builtin_memcpy(p, &v, 2);
}

static void set_code(struct cpu *cpu, u16 ip, u16 cs)
{
	cpu->eip = ip;
	cpu->seg[SEG_CS].sel = cs;
	cpu->seg[SEG_CS].base = (u32)cs << 4;
}

bool real_change_in(struct cpu *cpu, u8 vector, u32 next)
{
	const struct cpu_segment *ss = &cpu->seg[SEG_SS];
	u32 sp = cpu->gpr[REG_ESP] & 0xffff;
	const u8 *to;
	u8 *p;

	if (cpu_protected(cpu) || cpu->tells_ints || sp < FRAME || !small(ss) ||
	    vector * 4u + 3 > cpu->idtr.limit)
		return false;
	to = cpu_lin_direct(cpu, cpu->idtr.base + vector * 4u, 4, 0);
	p = cpu_lin_direct_write(cpu, ss->base + sp - FRAME, FRAME, 0);
	if (!to || !p)
		return false;

	u16 ip = word(to), cs = word(to + 2); /* the stack may lie there */

	put_word(p, next);
	put_word(p + 2, cpu->seg[SEG_CS].sel);
	put_word(p + 4, cpu_eflags(cpu));
	cpu->gpr[REG_ESP] -= FRAME;
	cpu->shadow = 0;
	cpu->vif = 0;
	cpu->eflags &= ~(EFLAGS_TF | EFLAGS_AC | EFLAGS_RF);
	set_code(cpu, ip, cs);
	return true;
}

bool real_change_out(struct cpu *cpu)
{
	const struct cpu_segment *ss = &cpu->seg[SEG_SS];
	u32 sp = cpu->gpr[REG_ESP] & 0xffff, fixed = 0xffff0000;
	const u8 *p;

	if (cpu_v86(cpu))
		fixed |= EFLAGS_IOPL;
	else if (cpu_protected(cpu))
		return false;
	if ((cpu_v86(cpu) && cpu_iopl(cpu) < 3) || sp + FRAME > 0xffff || !small(ss) ||
	    cpu->seg[SEG_CS].limit < 0xffff || cpu_align_checked(cpu))
		return false;
	p = cpu_lin_direct(cpu, ss->base + sp, FRAME, cpu_user_access(cpu));
	if (!p)
		return false;
	cpu->nmi_blocked = false;
	cpu->gpr[REG_ESP] += FRAME;
	cpu_set_eflags(cpu, (word(p + 4) & ~fixed) | (cpu_eflags(cpu) & fixed));
	set_code(cpu, word(p), word(p + 2));
	return true;
}
