/* SPDX-License-Identifier: MIT */
/*
 * IRET, from wherever to wherever (SDM 2 IRET):
 *
 *   1. real mode, and V86 mode   2. to V86 mode   3. same or outer level   4. NT: to the task that
 * called
 *
 * What lies on the stack, from ESP up, in words of the operand size:
 *
 *   EIP CS EFLAGS                       same level
 *   EIP CS EFLAGS ESP SS                outer level
 *   EIP CS EFLAGS ESP SS ES DS FS GS    V86 mode: image with VM set, at CPL 0, 32 bits
 */
#include "emu/cpu/transfer.h"
#include "emu/cpu/operand.h"

enum { AT_EIP, AT_CS, AT_FLAGS, AT_ESP, AT_SS, AT_ES, AT_DS, AT_FS, AT_GS, WORDS };

/* --- 1. Real mode, and V86 mode */

static enum cpu_result return_real(struct cpu *cpu, unsigned size, const u32 *w)
{
	/* In V86 mode VM and IOPL stay; VIF and VIP stay in both. */
	u32 fixed = cpu_v86(cpu) ? EFLAGS_IOPL | EFLAGS_VM : 0;

	fixed |= size == 2 ? 0xffff0000 : EFLAGS_VM | EFLAGS_VIF | EFLAGS_VIP;
	if (w[AT_EIP] > cpu->seg[SEG_CS].limit)
		return cpu_raise(cpu, VEC_GP, 0);
	cpu->eip = w[AT_EIP];
	cpu->seg[SEG_CS].sel = (u16)w[AT_CS];
	cpu->seg[SEG_CS].base = (u32)(u16)w[AT_CS] << 4;
	transfer_set_sp(cpu, cpu->gpr[REG_ESP] + 3 * size);
	cpu_set_eflags(cpu, (w[AT_FLAGS] & ~fixed) | (cpu_eflags(cpu) & fixed));
	return CPU_JUMP;
}

/* IOPL below 3, CR4.VME: IF is VIF (SDM 3B 20.3.2). */
static enum cpu_result return_vme(struct cpu *cpu, const u32 *w)
{
	u32 flags = w[AT_FLAGS] & 0xffff, image;

	if (((cpu->eflags & EFLAGS_VIP) && (flags & EFLAGS_IF)) || (flags & EFLAGS_TF))
		return cpu_raise(cpu, VEC_GP, 0);
	image = (flags & ~(EFLAGS_IOPL | EFLAGS_IF)) |
		(cpu_eflags(cpu) & (0xffff0000 | EFLAGS_IOPL | EFLAGS_IF));
	image = flags & EFLAGS_IF ? image | EFLAGS_VIF : image & ~EFLAGS_VIF;
	if (return_real(cpu, 2, w) != CPU_JUMP)
		return CPU_FAULT;
	cpu_set_eflags(cpu, image);
	return CPU_JUMP;
}

static enum cpu_result iret_v86(struct cpu *cpu, unsigned size)
{
	bool vme = cpu_iopl(cpu) < 3;
	u32 w[3];

	if (vme && (!(cpu->cr4 & CR4_VME) || size == 4))
		return cpu_raise(cpu, VEC_GP, 0);
	cpu->nmi_blocked = false;
	if (transfer_pop(cpu, w, 3, size, 0) != CPU_NEXT)
		return CPU_FAULT;
	return vme ? return_vme(cpu, w) : return_real(cpu, size, w);
}

/* --- 2. To V86 mode */

static enum cpu_result return_to_v86(struct cpu *cpu)
{
	static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	u32 w[WORDS];

	if (transfer_pop(cpu, w, WORDS, 4, 0) != CPU_NEXT)
		return CPU_FAULT;
	if (w[AT_EIP] > 0xffff)
		return cpu_raise(cpu, VEC_GP, 0);
	/* Nothing fails from here. */
	cpu_set_eflags(cpu, w[AT_FLAGS]);
	cpu_set_v86_segment(cpu, SEG_CS, (u16)w[AT_CS]);
	cpu_set_v86_segment(cpu, SEG_SS, (u16)w[AT_SS]);
	for (unsigned i = 0; i < sizeof(data); i++)
		cpu_set_v86_segment(cpu, data[i], (u16)w[AT_ES + i]);
	cpu->gpr[REG_ESP] = w[AT_ESP];
	cpu->eip = w[AT_EIP];
	cpu->cpl = 3;
	return v86_check_pending(cpu);
}

/* --- 3. Same or outer level */

static enum cpu_result return_protected(struct cpu *cpu, unsigned size, const u32 *w)
{
	u16 cs = (u16)w[AT_CS];
	unsigned rpl = cs & 3;
	struct cpu_segment code, stack;
	u32 top[2];

	if (rpl < cpu->cpl)
		return cpu_raise(cpu, VEC_GP, cs & 0xfffcu);
	if (transfer_code(cpu, cs, rpl, VEC_GP, 0, &code) != CPU_NEXT)
		return CPU_FAULT;
	if (rpl > cpu->cpl &&
	    (transfer_pop(cpu, top, 2, size, 3 * size) != CPU_NEXT ||
	     transfer_stack(cpu, (u16)top[1], rpl, VEC_GP, 0, &stack) != CPU_NEXT))
		return CPU_FAULT;
	if (w[AT_EIP] > code.limit)
		return cpu_raise(cpu, VEC_GP, 0);
	/* Nothing fails from here. */
	transfer_set_flags(cpu, w[AT_FLAGS], size, cpu->cpl);
	cpu->eip = w[AT_EIP];
	cpu->seg[SEG_CS] = code;
	if (rpl > cpu->cpl) {
		cpu->seg[SEG_SS] = stack;
		transfer_set_sp(cpu, top[0]);
		cpu->cpl = (u8)rpl;
		transfer_drop_segments(cpu);
	} else {
		transfer_set_sp(cpu, cpu->gpr[REG_ESP] + 3 * size);
	}
	return v86_check_pending(cpu);
}

/* --- 4. NT: the back link names the task (SDM 3A 7.3) */

static enum cpu_result return_task(struct cpu *cpu, const struct insn *in)
{
	struct task_switch t = { .why = TASK_IRET,
				 .eip = cpu->eip + in->len,
				 .flags = cpu_eflags(cpu) & ~EFLAGS_NT };
	u16 link;

	if (cpu_lin_read(cpu, cpu->tr.base, &link, 2, 0) != CPU_NEXT)
		return CPU_FAULT;
	return task_switch(cpu, link, &t);
}

enum cpu_result cpu_iret(struct cpu *cpu, const struct insn *in)
{
	u32 w[3];

	if (ring_change_out(cpu, in->osize) || ring_change_other_out(cpu, in->osize))
		return CPU_JUMP;
	if (cpu_v86(cpu))
		return iret_v86(cpu, in->osize);
	cpu->nmi_blocked = false; /* even if it faults (SDM 3C 28.2.3) */
	if (cpu_protected(cpu) && (cpu->eflags & EFLAGS_NT))
		return return_task(cpu, in);
	if (transfer_pop(cpu, w, 3, in->osize, 0) != CPU_NEXT)
		return CPU_FAULT;
	if (!cpu_protected(cpu))
		return return_real(cpu, in->osize, w);
	if (in->osize == 4 && (w[AT_FLAGS] & EFLAGS_VM) && cpu->cpl == 0)
		return return_to_v86(cpu);
	return return_protected(cpu, in->osize, w);
}
