/* SPDX-License-Identifier: MIT */
/*
 * Pieces that far transfers, gates, task switches, IRET and event delivery share. ext is bit 0 of
 * the error codes: 1 while an event external to the program is delivered (SDM 3A 6.13).
 */
#pragma once

#include "emu/cpu/semantics.h"

/* --- transfer.c */

/* Reads and checks a code segment descriptor for a transfer to cpl; sets the accessed bit. */
enum cpu_result transfer_code(struct cpu *cpu, u16 sel, unsigned cpl, u8 vec, u32 ext,
			      struct cpu_segment *out);
/*
 * The code segment behind a gate. inward: a nonconforming segment of a more privileged level may be
 * entered (CALL and events, not JMP). *cpl: the level that runs there.
 */
enum cpu_result transfer_gate_code(struct cpu *cpu, u16 sel, bool inward, u32 ext,
				   struct cpu_segment *out, unsigned *cpl);
/* The same for a stack segment of privilege cpl. vec: the fault to raise (#TS, #GP; #SS for not
 * present). */
enum cpu_result transfer_stack(struct cpu *cpu, u16 sel, unsigned cpl, u8 vec, u32 ext,
			       struct cpu_segment *out);
/* SS:ESP of privilege cpl from the current TSS. */
enum cpu_result transfer_tss_stack(struct cpu *cpu, unsigned cpl, u32 ext, u16 *ss, u32 *esp);
/* Do n words of size bytes fit below esp in s? By its limit alone. */
bool transfer_room(const struct cpu_segment *s, u32 esp, unsigned n, unsigned size);
/* Writes n words (up to TRANSFER_WORDS) of size bytes downwards from esp in stack segment s, at
 * privilege cpl; *esp is the new one. All or nothing. */
#define TRANSFER_WORDS 36u
enum cpu_result transfer_push(struct cpu *cpu, const struct cpu_segment *s, unsigned cpl, u32 *esp,
			      const u32 *words, unsigned n, unsigned size);
/* Reads n words of size bytes upwards from ESP + skip; nothing is released yet. */
enum cpu_result transfer_pop(struct cpu *cpu, u32 *words, unsigned n, unsigned size, u32 skip);
/* ESP or SP, by the size of the stack segment. */
void transfer_set_sp(struct cpu *cpu, u32 esp);
/* Goes to code:offset at the same level; call: pushes CS and next as words of size bytes. */
enum cpu_result transfer_same_level(struct cpu *cpu, const struct cpu_segment *code, u32 offset,
				    u32 next, unsigned size, bool call);
/* IRET's flags, of so many bytes: those that the level may write that it comes from. */
void transfer_set_flags(struct cpu *cpu, u32 image, unsigned size, unsigned cpl);
/* After a return to an outer level: data segments that it may not have become null. */
void transfer_drop_segments(struct cpu *cpu);

/* --- events: deliver.c and ring_change.c */

/* An instruction asked for it: a fault on the way is the instruction's. */
static inline bool transfer_soft(enum cpu_event_kind kind)
{
	return kind >= EVENT_SOFT_INT;
}

/* RF in the image (SDM 3B 17.3.1.1): faults set it, so that the instruction passes its breakpoint
 * when it is resumed; software interrupts have cleared it. */
static inline u32 transfer_flags_image(const struct cpu *cpu, u8 vector, enum cpu_event_kind kind)
{
	u32 flags = cpu_eflags(cpu);

	if (kind == EVENT_EXCEPTION && vector != VEC_DF)
		flags |= EFLAGS_RF;
	return transfer_soft(kind) ? flags & ~EFLAGS_RF : flags;
}

/* --- ring_change.c: the usual ways between CPL 3 and 0. True: done. False: nothing is, and the
 * general code finds out what the case is. */
bool ring_change_in(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error,
		    u32 error);
/* IRET with words of size bytes. */
bool ring_change_out(struct cpu *cpu, unsigned size);
/* --- ring_change_other.c: the same for V86 mode and for segments that are not flat, and for IRET
 * within one level. */
bool ring_change_other_in(struct cpu *cpu, u8 vector, enum cpu_event_kind kind, bool has_error,
			  u32 error);
bool ring_change_other_out(struct cpu *cpu, unsigned size);

/*
 * --- real_change.c: the usual INT n of real mode, whose next instruction is at next, and IRET of
 * 16 bits of real and V86 mode. True: done. False: nothing is.
 */
bool real_change_in(struct cpu *cpu, u8 vector, u32 next);
bool real_change_out(struct cpu *cpu);

/* --- call_gate.c. gate: its descriptor. next: the EIP to return to. */
enum cpu_result call_gate_transfer(struct cpu *cpu, u16 sel, const u32 gate[2], u32 next,
				   bool call);

/* --- task_switch.c */

enum task_reason { TASK_JUMP, TASK_CALL, TASK_IRET, TASK_EVENT };

struct task_switch {
	enum task_reason why;
	u32 ext;
	u32 eip;   /* where the old task goes on */
	u32 flags; /* EFLAGS as the old task's TSS receives them */
	bool has_error;
	u32 error; /* goes on the new task's stack */
};

/*
 * Switches to the task whose TSS sel names; checks of the transfer that led here are done. A fault
 * before the switch leaves the old task unchanged; one after it is the new task's
 * (cpu->fault.at_target). CPU_JUMP or CPU_FAULT.
 */
enum cpu_result task_switch(struct cpu *cpu, u16 sel, const struct task_switch *t);
/* Through a task gate, whose privilege has been checked. */
enum cpu_result task_gate(struct cpu *cpu, const u32 gate[2], const struct task_switch *t);

/* --- v86.c: INT n in V86 mode. CPU_NEXT: through the IDT; else it is done, or #GP(0). */
enum cpu_result v86_soft_int(struct cpu *cpu, u8 vector);
/* Handlers of other modes find null in the data segments (SDM 3B 20.2.3). */
void v86_drop_segments(struct cpu *cpu);
/* At the end of IRET and of a task switch: VIF and VIP both set are #GP(0) before the next
 * instruction. CPU_JUMP or CPU_FAULT. */
enum cpu_result v86_check_pending(struct cpu *cpu);

/* --- the instructions: far.c, iret.c */
enum cpu_result cpu_iret(struct cpu *cpu, const struct insn *in);
enum cpu_result cpu_far_jump(struct cpu *cpu, const struct insn *in, u16 sel, u32 offset,
			     bool call);
enum cpu_result cpu_far_return(struct cpu *cpu, const struct insn *in);

/* System descriptor types (SDM 3A table 3-2) */
enum {
	SYS_TSS16 = 1,
	SYS_LDT,
	SYS_TSS16_BUSY,
	SYS_CALL16,
	SYS_TASK_GATE,
	SYS_INT16,
	SYS_TRAP16,
	SYS_TSS32 = 9,
	SYS_TSS32_BUSY = 11,
	SYS_CALL32,
	SYS_INT32 = 14,
	SYS_TRAP32
};
#define SYS_TSS_BUSY 2u /* the bit of the type */
#define SYS_RESERVED (BIT(0) | BIT(8) | BIT(10) | BIT(13))

/* Is that the type of no gate and no system descriptor? */
static inline bool transfer_type_is_reserved(unsigned type)
{
	return SYS_RESERVED >> type & 1;
}
