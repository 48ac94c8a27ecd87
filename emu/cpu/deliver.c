/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions through the guest's IDT or real-mode table (SDM 3A 6).
 */
#include "emu/cpu/transfer.h"

#define TYPE_INT16  6u
#define TYPE_TRAP16 7u
#define TYPE_INT32  14u
#define TYPE_TRAP32 15u

static bool soft(enum cpu_event_kind kind)
{
	return kind == EVENT_SOFT_INT || kind == EVENT_SOFT_INT3;
}

static enum cpu_result deliver_real(struct cpu *cpu, u8 vector)
{
	u32 ivt = 0, words[3] = { cpu_eflags(cpu) & 0xffff, cpu->seg[SEG_CS].sel, cpu->eip };
	u32 esp = cpu->gpr[REG_ESP];

	if ((u32)vector * 4 + 3 > cpu->idtr.limit)
		return cpu_raise(cpu, VEC_GP, 0);
	if (cpu_lin_read(cpu, cpu->idtr.base + vector * 4u, &ivt, 4, 0) != CPU_NEXT ||
	    transfer_push(cpu, &cpu->seg[SEG_SS], 0, &esp, words, 3, 2) != CPU_NEXT)
		return CPU_FAULT;
	cpu->gpr[REG_ESP] = esp;
	cpu->vif = 0;
	cpu->eflags &= ~(EFLAGS_TF | EFLAGS_AC | EFLAGS_RF);
	cpu->eip = ivt & 0xffff;
	cpu->seg[SEG_CS].sel = (u16)(ivt >> 16);
	cpu->seg[SEG_CS].base = ivt >> 16 << 4;
	return CPU_JUMP;
}

static enum cpu_result enter_handler(struct cpu *cpu, u16 sel, u32 offset, unsigned type,
				     bool has_error, u32 error, u32 ext, u32 flags)
{
	unsigned size = type >= TYPE_INT32 ? 4 : 2, n = 0;
	struct cpu_segment code, stack = cpu->seg[SEG_SS];
	u32 desc[2], words[10], esp = cpu->gpr[REG_ESP];
	unsigned cpl = cpu->cpl;
	gla_t gla;
	u16 ss;

	if ((sel & 0xfffc) == 0)
		return cpu_raise(cpu, VEC_GP, ext);
	if (cpu_read_descriptor(cpu, sel, VEC_GP, desc, &gla) != CPU_NEXT) {
		cpu->fault.error |= cpu->fault.vector == VEC_PF ? 0 : ext;
		return CPU_FAULT;
	}
	unsigned dpl = desc[1] >> 13 & 3;
	bool conforming = desc[1] & BIT(10);

	if (dpl > cpl)
		return cpu_raise(cpu, VEC_GP, (sel & 0xfffcu) | ext);
	if (!conforming)
		cpl = dpl;
	if (transfer_code(cpu, sel, cpl, VEC_GP, ext, &code) != CPU_NEXT)
		return CPU_FAULT;
	if (offset > code.limit)
		return cpu_raise(cpu, VEC_GP, ext);
	if (cpu_v86(cpu)) {
		if (cpl != 0)
			return cpu_raise(cpu, VEC_GP, (sel & 0xfffcu) | ext);
		words[n++] = cpu->seg[SEG_GS].sel;
		words[n++] = cpu->seg[SEG_FS].sel;
		words[n++] = cpu->seg[SEG_DS].sel;
		words[n++] = cpu->seg[SEG_ES].sel;
	}
	if (cpl != cpu->cpl || cpu_v86(cpu)) {
		if (transfer_tss_stack(cpu, cpl, ext, &ss, &esp) != CPU_NEXT ||
		    transfer_stack(cpu, ss, cpl, VEC_TS, ext, &stack) != CPU_NEXT)
			return CPU_FAULT;
		words[n++] = cpu->seg[SEG_SS].sel;
		words[n++] = cpu->gpr[REG_ESP];
	}
	words[n++] = flags;
	words[n++] = cpu->seg[SEG_CS].sel;
	words[n++] = cpu->eip;
	if (has_error)
		words[n++] = error;
	if (transfer_push(cpu, &stack, cpl, &esp, words, n, size) != CPU_NEXT) {
		if (cpu->fault.vector == VEC_SS)
			cpu->fault.error = (cpl != cpu->cpl ? stack.sel & 0xfffcu : 0) | ext;
		return CPU_FAULT;
	}
	/* Nothing fails from here. */
	if (cpu_v86(cpu)) {
		static const u8 data[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

		for (unsigned i = 0; i < sizeof(data); i++)
			cpu->seg[data[i]] = (struct cpu_segment){ .attr = SEG_ATTR_UNUSABLE };
	}
	cpu->seg[SEG_CS] = code;
	cpu->seg[SEG_SS] = stack;
	cpu->gpr[REG_ESP] = esp;
	cpu->eip = offset;
	if (!(type & 1))
		cpu->vif = 0;
	cpu->eflags &= ~(EFLAGS_TF | EFLAGS_NT | EFLAGS_VM | EFLAGS_RF);
	cpu_set_cpl(cpu, (u8)cpl);
	return CPU_JUMP;
}

static enum cpu_result deliver_protected(struct cpu *cpu, u8 vector, enum cpu_event_kind kind,
					 bool has_error, u32 error)
{
	u32 gate[2], ext = soft(kind) ? 0 : 1, flags = cpu_eflags(cpu);
	u32 where = vector * 8u | 2u | ext;
	unsigned type;

	if (vector * 8u + 7 > cpu->idtr.limit)
		return cpu_raise(cpu, VEC_GP, where);
	if (cpu_lin_read(cpu, cpu->idtr.base + vector * 8u, gate, 8, 0) != CPU_NEXT)
		return CPU_FAULT;
	type = gate[1] >> 8 & 0x1f;
	if (type != TYPE_INT16 && type != TYPE_TRAP16 && type != TYPE_INT32 && type != TYPE_TRAP32)
		return cpu_raise(cpu, VEC_GP, where);
	if (soft(kind) && (gate[1] >> 13 & 3) < cpu->cpl)
		return cpu_raise(cpu, VEC_GP, where);
	if (!(gate[1] & BIT(15)))
		return cpu_raise(cpu, VEC_NP, where);
	/* Faults push RF set, so that a resumed instruction passes its breakpoint (SDM
	 * 3B 17.3.1.1). */
	if (kind == EVENT_EXCEPTION && vector != VEC_DB && vector != VEC_DF)
		flags |= EFLAGS_RF;

	u32 offset =
		type >= TYPE_INT32 ? (gate[0] & 0xffff) | (gate[1] & 0xffff0000) : gate[0] & 0xffff;

	return enter_handler(cpu, (u16)(gate[0] >> 16), offset, type, has_error, error, ext, flags);
}

static enum cpu_result once(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error,
			    u32 error)
{
	if (!cpu_protected(cpu))
		return deliver_real(cpu, vector);
	return deliver_protected(cpu, vector, kind, has_error, error);
}

/* SDM 3A table 6-5 */
static bool contributory(u8 v)
{
	return v == VEC_DE || (v >= VEC_TS && v <= VEC_GP);
}

enum cpu_result cpu_deliver(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error,
			    u32 error)
{
	enum cpu_result res = once(cpu, vector, kind, has_error, error);
	u8 first = vector;
	bool exception = kind == EVENT_EXCEPTION;

	if (soft(kind) && res == CPU_FAULT)
		return res;
	while (res == CPU_FAULT) {
		u8 second = cpu->fault.vector;

		if (exception && first == VEC_DF)
			return CPU_SHUTDOWN;
		if (exception &&
		    ((contributory(first) && contributory(second)) ||
		     (first == VEC_PF && (contributory(second) || second == VEC_PF)))) {
			cpu->fault = (struct cpu_fault){ .vector = VEC_DF, .has_error = true };
			second = VEC_DF;
		}
		if (second == VEC_PF)
			cpu->cr2 = cpu->fault.addr;
		first = second;
		exception = true;
		res = once(cpu, second, EVENT_EXCEPTION, cpu->fault.has_error && cpu_protected(cpu),
			   cpu->fault.error);
	}
	return res;
}

enum cpu_result cpu_deliver_fault(struct cpu *cpu)
{
	if (cpu->fault.vector == VEC_PF)
		cpu->cr2 = cpu->fault.addr;
	if (cpu->fault.vector == VEC_DB)
		cpu->dr[6] |= cpu->fault.addr ? cpu->fault.addr : BIT(14);
	return cpu_deliver(cpu, cpu->fault.vector, EVENT_EXCEPTION, cpu->fault.has_error,
			   cpu->fault.error);
}

enum cpu_result cpu_take_events(struct cpu *cpu)
{
	u32 events = cpu->events;

	if (cpu->shadow)
		return CPU_NEXT;
	if ((events & CPU_EVENT_NMI) && !cpu->nmi_blocked) {
		__atomic_fetch_and(&cpu->events, ~CPU_EVENT_NMI, __ATOMIC_SEQ_CST);
		cpu->nmi_blocked = true;
		cpu->halted = false;
		return cpu_deliver(cpu, VEC_NMI, EVENT_NMI, false, 0);
	}
	if ((events & CPU_EVENT_INTR) && cpu->vif) {
		int vector = cpu->env->intr_ack(cpu);

		if (vector < 0)
			return CPU_NEXT;
		cpu->halted = false;
		return cpu_deliver(cpu, (u8)vector, EVENT_EXTERNAL, false, 0);
	}
	return CPU_NEXT;
}
