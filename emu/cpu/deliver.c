/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions through the guest's IDT or real-mode table (SDM 3A 6).
 */
#include "emu/cpu/stops.h"
#include "emu/cpu/transfer.h"
#include "emu/dev/strict.h"

/* One event on its way. */
struct event {
	u8 vector;
	enum cpu_event_kind kind;
	bool has_error;
	u32 error;
	u32 ext;   /* bit 0 of error codes */
	u32 flags; /* the image that the handler will find */
};

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

/* The stack of the level that the handler runs at, and what goes on it first. */
static enum cpu_result inner_stack(struct cpu *cpu, unsigned cpl, u32 ext,
				   struct cpu_segment *stack, u32 *esp, u32 *words, unsigned *n)
{
	u16 ss;

	if (transfer_tss_stack(cpu, cpl, ext, &ss, esp) != CPU_NEXT ||
	    transfer_stack(cpu, ss, cpl, VEC_TS, ext, stack) != CPU_NEXT)
		return CPU_FAULT;
	if (cpu_v86(cpu)) {
		words[(*n)++] = cpu->seg[SEG_GS].sel;
		words[(*n)++] = cpu->seg[SEG_FS].sel;
		words[(*n)++] = cpu->seg[SEG_DS].sel;
		words[(*n)++] = cpu->seg[SEG_ES].sel;
	}
	words[(*n)++] = cpu->seg[SEG_SS].sel;
	words[(*n)++] = cpu->gpr[REG_ESP];
	return CPU_NEXT;
}

/* Interrupt and trap gates (SDM 2 INT n, TRAP-OR-INTERRUPT-GATE). */
static enum cpu_result enter_handler(struct cpu *cpu, const u32 gate[2], const struct event *e)
{
	unsigned type = DESC_TYPE(gate[1]), size = type >= SYS_INT32 ? 4 : 2, n = 0, cpl;
	u32 offset = (gate[0] & 0xffff) | (size == 4 ? gate[1] & 0xffff0000 : 0);
	struct cpu_segment code, stack = cpu->seg[SEG_SS];
	u32 words[10], esp = cpu->gpr[REG_ESP], new_ss = 0;
	u16 sel = (u16)(gate[0] >> 16);

	if (transfer_gate_code(cpu, sel, true, e->ext, &code, &cpl) != CPU_NEXT)
		return CPU_FAULT;
	if (cpu_v86(cpu) && cpl != 0) /* a conforming segment, or one of an outer level */
		return cpu_raise(cpu, VEC_GP, (sel & 0xfffcu) | e->ext);
	if (cpl != cpu->cpl) {
		if (inner_stack(cpu, cpl, e->ext, &stack, &esp, words, &n) != CPU_NEXT)
			return CPU_FAULT;
		new_ss = stack.sel & 0xfffcu;
	}
	words[n++] = e->flags;
	words[n++] = cpu->seg[SEG_CS].sel;
	words[n++] = cpu->eip;
	if (e->has_error)
		words[n++] = e->error;
	if (!transfer_room(&stack, esp, n, size))
		return cpu_raise(cpu, VEC_SS, new_ss | e->ext);
	if (offset > code.limit)
		return cpu_raise(cpu, VEC_GP, e->ext);
	if (transfer_push(cpu, &stack, cpl, &esp, words, n, size) != CPU_NEXT)
		return CPU_FAULT;
	/* Nothing fails from here. */
	if (cpu_v86(cpu))
		v86_drop_segments(cpu);
	cpu->seg[SEG_CS] = code;
	cpu->seg[SEG_SS] = stack;
	cpu->gpr[REG_ESP] = esp;
	cpu->eip = offset;
	if (!(type & 1))
		cpu->vif = 0;
	cpu->eflags &= ~(EFLAGS_TF | EFLAGS_NT | EFLAGS_VM | EFLAGS_RF);
	cpu->cpl = (u8)cpl;
	return CPU_JUMP;
}

static enum cpu_result through_task_gate(struct cpu *cpu, const u32 gate[2], const struct event *e)
{
	const struct task_switch t = { .why = TASK_EVENT,
				       .ext = e->ext,
				       .eip = cpu->eip,
				       .flags = e->flags,
				       .has_error = e->has_error,
				       .error = e->error };

	return task_gate(cpu, gate, &t);
}

static enum cpu_result deliver_protected(struct cpu *cpu, const struct event *e)
{
	u32 gate[2], where = e->vector * 8u | 2u | e->ext;
	unsigned type;

	if (e->vector * 8u + 7 > cpu->idtr.limit)
		return cpu_raise(cpu, VEC_GP, where);
	if (cpu_lin_read(cpu, cpu->idtr.base + e->vector * 8u, gate, 8, 0) != CPU_NEXT)
		return CPU_FAULT;
	type = DESC_TYPE(gate[1]);
	if (!(gate[1] & DESC_S) && transfer_type_is_reserved(type))
		return cpu_raise_for(cpu, VEC_GP, where, STRICT_desc_reserved);
	if ((gate[1] & DESC_S) || (type != SYS_TASK_GATE && type != SYS_INT16 &&
				   type != SYS_TRAP16 && type != SYS_INT32 && type != SYS_TRAP32))
		return cpu_raise(cpu, VEC_GP, where);
	if (transfer_soft(e->kind) && e->kind != EVENT_INT1 && DESC_DPL(gate[1]) < cpu->cpl)
		return cpu_raise(cpu, VEC_GP, where);
	if (!(gate[1] & DESC_P))
		return cpu_raise(cpu, VEC_NP, where);
	return type == SYS_TASK_GATE ? through_task_gate(cpu, gate, e)
				     : enter_handler(cpu, gate, e);
}

static enum cpu_result once(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error,
			    u32 error)
{
	const struct event e = { .vector = vector,
				 .kind = kind,
				 .has_error = has_error,
				 .error = error,
				 .ext = transfer_soft(kind) && kind != EVENT_INT1 ? 0 : 1,
				 .flags = transfer_flags_image(cpu, vector, kind) };

	if (!cpu_protected(cpu))
		return deliver_real(cpu, vector);
	if (kind == EVENT_SOFT_INT && cpu_v86(cpu)) {
		enum cpu_result res = v86_soft_int(cpu, vector);

		if (res != CPU_NEXT)
			return res;
	}
	return deliver_protected(cpu, &e);
}

/* SDM 3A table 6-5 */
static bool contributory(u8 v)
{
	return v == VEC_DE || (v >= VEC_TS && v <= VEC_GP);
}

/*
 * #AC counts as benign, so delivering it may meet #AC for ever: its handler runs at CPL 3 on the
 * stack that is misaligned, or an #AC and a #PF whose gates differ in width meet each other by
 * turns. Accessed bits are all that one round changes for the next, and the second round finds them
 * set. A processor then hangs in its microcode and takes no interrupt and no NMI (CVE-2015-5307).
 */
#define ALIGNMENT_ROUNDS 3u

/* Nothing wakes it but a reset. */
static enum cpu_result hang(struct cpu *cpu)
{
	cpu->halted = cpu->nmi_blocked = true;
	cpu->vif = 0;
	return CPU_HALT;
}

/* For whoever wants to know how a triple fault came about: what cannot be delivered, and why. */
static void chain(struct cpu *cpu, const struct cpu_fault *f)
{
	struct cpu_stops *s = &cpu->stops;

	if (s->chain_length < CPU_CHAIN)
		s->chain[s->chain_length++] = *f;
}

static void chain_begin(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error,
			u32 error)
{
	cpu->stops.chain_length = 0;
	cpu->stops.chain_of_interrupt = kind == EVENT_EXTERNAL;
	chain(cpu, &(struct cpu_fault){ .vector = vector,
					.has_error = has_error,
					.error = error,
					.addr = vector == VEC_PF ? cpu->cr2 : 0 });
}

enum cpu_result cpu_deliver(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error,
			    u32 error)
{
	bool exception = kind == EVENT_EXCEPTION || kind == EVENT_TRAP;
	enum cpu_result res;
	unsigned misaligned = 0;
	u8 first = vector;

	if (ring_change_in(cpu, vector, kind, has_error, error) ||
	    ring_change_other_in(cpu, vector, kind, has_error, error))
		return CPU_JUMP;
	res = once(cpu, vector, kind, has_error, error);
	if (transfer_soft(kind) && res == CPU_FAULT)
		return res;
	if (res == CPU_FAULT)
		chain_begin(cpu, vector, kind, has_error, error);
	while (res == CPU_FAULT) {
		u8 second = cpu->fault.vector;

		cpu_stop_rule(cpu);
		chain(cpu, &cpu->fault);
		if (exception && first == VEC_DF)
			return CPU_SHUTDOWN;
		if (second == VEC_AC && ++misaligned == ALIGNMENT_ROUNDS)
			return hang(cpu);
		if (second == VEC_PF)
			cpu->cr2 = cpu->fault.addr;
		if (exception &&
		    ((contributory(first) && contributory(second)) ||
		     (first == VEC_PF && (contributory(second) || second == VEC_PF)))) {
			cpu->fault = (struct cpu_fault){ .vector = VEC_DF, .has_error = true };
			chain(cpu, &cpu->fault);
			second = VEC_DF;
		}
		first = second;
		exception = true;
		res = once(cpu, second, EVENT_EXCEPTION, cpu->fault.has_error && cpu_protected(cpu),
			   cpu->fault.error);
	}
	cpu->shadow = 0;
	return res;
}

enum cpu_result cpu_deliver_fault(struct cpu *cpu)
{
	if (cpu->stops.vectors && cpu_stop_exception(cpu))
		return CPU_RETRY;
	if (cpu->fault.vector == VEC_PF)
		cpu->cr2 = cpu->fault.addr;
	if (cpu->fault.vector == VEC_DB) {
		cpu->dr[6] |= cpu->fault.addr;
		cpu->dr[7] &= ~DR7_GD; /* so that the handler may touch them */
	}
	return cpu_deliver(cpu, cpu->fault.vector,
			   cpu->fault.keep_rf ? EVENT_TRAP : EVENT_EXCEPTION,
			   cpu->fault.has_error && cpu_protected(cpu), cpu->fault.error);
}

static enum cpu_result interrupt(struct cpu *cpu, u8 vector, enum cpu_event_kind kind)
{
	enum cpu_result res = cpu_deliver(cpu, vector, kind, false, 0);

	cpu_stop_event(cpu, STOP_INTERRUPT, vector, 1, 0);
	return res;
}

static enum cpu_result take_interrupt(struct cpu *cpu)
{
	u32 events = cpu->events;

	if (cpu->shadow)
		return CPU_NEXT;
	if ((events & CPU_EVENT_NMI) && !cpu->nmi_blocked) {
		__atomic_fetch_and(&cpu->events, ~CPU_EVENT_NMI, __ATOMIC_SEQ_CST);
		cpu->nmi_blocked = true;
		cpu->halted = false;
		return interrupt(cpu, VEC_NMI, EVENT_NMI);
	}
	if ((events & CPU_EVENT_INTR) && cpu->vif) {
		int vector = cpu_env(cpu)->intr_ack(cpu);

		if (vector < 0)
			return CPU_NEXT;
		cpu->halted = false;
		return interrupt(cpu, (u8)vector, EVENT_EXTERNAL);
	}
	return CPU_NEXT;
}

enum cpu_result cpu_take_due_events(struct cpu *cpu)
{
	enum cpu_result first = CPU_NEXT, res;

	if (cpu->debug_hits && cpu_debug_trap(cpu, 0) == CPU_FAULT)
		first = cpu_deliver_fault(cpu);
	if (first == CPU_SHUTDOWN || first == CPU_RETRY)
		return first;
	res = take_interrupt(cpu);
	return res == CPU_NEXT ? first : res;
}
