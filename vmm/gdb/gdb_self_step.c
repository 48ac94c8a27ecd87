/* SPDX-License-Identifier: MIT */
/*
 * Interrupts are held back by IF in the frame, which afterwards is what it was. Three kinds of
 * instructions would see that:
 *
 *     POPF IRET STI CLI   say themselves what IF is
 *     PUSHF               stores it, and TF
 *     HLT                 would wait for ever
 */
#include "vmm/gdb/gdb_self_step.h"

#include "arch/cpu/try.h"

#define PREFIXES 4u

enum opcode {
	OP_PUSHF = 0x9c,
	OP_POPF = 0x9d,
	OP_IRET = 0xcf,
	OP_HLT = 0xf4,
	OP_CLI = 0xfa,
	OP_STI
};

static struct {
	u8 opcode;
	u64 irqs; /* IF */
} step;

static bool is_prefix(u8 byte)
{
	return byte == 0x66 || byte == 0xf2 || byte == 0xf3 || (byte & 0xf0) == 0x40; /* REX */
}

/* The first byte of the opcode; *length: it and what stands before it. */
static u8 opcode_at(u64 rip, unsigned *length)
{
	u8 byte = 0;

	for (unsigned n = 0; n <= PREFIXES; n++) {
		*length = n + 1;
		if (read_u8_safe(rip + n, &byte) || !is_prefix(byte))
			break;
	}
	return byte;
}

bool gdb_self_step_begin(struct trap_frame *f)
{
	unsigned length;

	step.opcode = opcode_at(f->rip, &length);
	step.irqs = f->rflags & EFLAGS_IF;
	if (step.opcode == OP_HLT) {
		f->rip += length;
		return false;
	}
	f->rflags = (f->rflags & ~(u64)EFLAGS_IF) | EFLAGS_TF;
	return true;
}

/* What was executed may also have faulted, and then has changed nothing. */
void gdb_self_step_end(struct trap_frame *f)
{
	u64 *pushed = (u64 *)f->rsp;

	f->rflags &= ~(u64)EFLAGS_TF;
	switch (step.opcode) {
	case OP_POPF:
	case OP_IRET:
	case OP_CLI:
	case OP_STI:
		if (f->vector == VEC_DB)
			return;
		break;
	case OP_PUSHF:
		if (f->vector == VEC_DB)
			*pushed = (*pushed & ~(u64)EFLAGS_TF) | step.irqs;
		break;
	}
	f->rflags |= step.irqs;
}
