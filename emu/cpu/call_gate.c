/* SPDX-License-Identifier: MIT */
/*
 * Far CALL and JMP through call gates (SDM 3A 5.8.3, SDM 2 CALL).
 *
 *   31            16 15 14 13 12 11    8 7 6 5 4     0
 *    offset 31:16   | P | DPL | 0 | type | 0   | count |   type 4: 16 bits, 12: 32 bits
 *    selector       | offset 15:0                      |
 *
 * A CALL to a more privileged, nonconforming segment switches to the stack that the TSS names for
 * that level and copies count words from the old one:
 *
 *    old SS, old ESP, parameter[count - 1] .. parameter[0], old CS, old EIP   <- new ESP
 */
#include "emu/cpu/transfer.h"

struct gate {
	u16 sel;
	u32 offset;
	unsigned count, size; /* size: of the words pushed, 2 or 4 bytes */
};

static struct gate unpack(const u32 desc[2])
{
	bool gate32 = DESC_TYPE(desc[1]) == SYS_CALL32;

	return (struct gate){ .sel = (u16)(desc[0] >> 16),
			      .offset = (desc[0] & 0xffff) | (gate32 ? desc[1] & 0xffff0000 : 0),
			      .count = desc[1] & 31,
			      .size = gate32 ? 4 : 2 };
}

static enum cpu_result inner_level(struct cpu *cpu, const struct gate *g,
				   const struct cpu_segment *code, unsigned cpl, u32 next)
{
	u32 words[TRANSFER_WORDS], param[31], esp;
	struct cpu_segment stack;
	unsigned n = 0;
	u16 ss;

	if (transfer_tss_stack(cpu, cpl, 0, &ss, &esp) != CPU_NEXT ||
	    transfer_stack(cpu, ss, cpl, VEC_TS, 0, &stack) != CPU_NEXT)
		return CPU_FAULT;
	if (!transfer_room(&stack, esp, 4 + g->count, g->size))
		return cpu_raise(cpu, VEC_SS, ss & 0xfffcu);
	if (g->offset > code->limit)
		return cpu_raise(cpu, VEC_GP, 0);
	if (transfer_pop(cpu, param, g->count, g->size, 0) != CPU_NEXT)
		return CPU_FAULT;
	words[n++] = cpu->seg[SEG_SS].sel;
	words[n++] = cpu->gpr[REG_ESP];
	for (unsigned i = g->count; i-- > 0;)
		words[n++] = param[i];
	words[n++] = cpu->seg[SEG_CS].sel;
	words[n++] = next;
	if (transfer_push(cpu, &stack, cpl, &esp, words, n, g->size) != CPU_NEXT)
		return CPU_FAULT;
	/* Nothing fails from here. */
	cpu->seg[SEG_CS] = *code;
	cpu->seg[SEG_SS] = stack;
	cpu->gpr[REG_ESP] = esp;
	cpu->eip = g->offset;
	cpu->cpl = (u8)cpl;
	return CPU_JUMP;
}

enum cpu_result call_gate_transfer(struct cpu *cpu, u16 sel, const u32 desc[2], u32 next, bool call)
{
	struct gate g = unpack(desc);
	struct cpu_segment code;
	unsigned cpl, dpl = DESC_DPL(desc[1]);

	if (dpl < cpu->cpl || dpl < (sel & 3u))
		return cpu_raise(cpu, VEC_GP, sel & 0xfffcu);
	if (!(desc[1] & DESC_P))
		return cpu_raise(cpu, VEC_NP, sel & 0xfffcu);
	if (transfer_gate_code(cpu, g.sel, call, 0, &code, &cpl) != CPU_NEXT)
		return CPU_FAULT;
	return cpl < cpu->cpl ? inner_level(cpu, &g, &code, cpl, next)
			      : transfer_same_level(cpu, &code, g.offset, next, g.size, call);
}
