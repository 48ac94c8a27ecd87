/* SPDX-License-Identifier: MIT */
/*
 * Decodes on from an instruction, and keeps account of the stack, so that a function of one IN or
 * OUT is no obstacle.
 */
#include "emu/dbg/dbg_path.h"

#include <Zydis/Zydis.h>

#include "emu/dbg/dbg_disas.h"
#include "emu/dbg/dbg_mem.h"

#define LONGEST 15u
#define AHEAD	24u /* instructions: less than 100 ns, whatever the processor */
#define DEPTH	4u  /* of calls */

struct path {
	struct cpu *cpu;
	u32 eip, esp, ebp;
	bool has_ebp; /* ebp is what the code will have there */
	u8 width;     /* of the instruction's stack operand, bytes */
	u8 depth;
	u32 back[DEPTH];
};

static bool decode(const struct path *p, ZydisDecodedInstruction *in)
{
	bool big = dbg_code_bits(p->cpu) == 32;
	u8 code[LONGEST];
	unsigned have = dbg_read(p->cpu, p->cpu->seg[SEG_CS].base + p->eip, code, sizeof(code));
	ZydisDecoderContext ctx;
	ZydisDecoder decoder;

	ZydisDecoderInit(&decoder,
			 big ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			 big ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
	return have && ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, &ctx, code, have, in));
}

static bool call(struct path *p, const ZydisDecodedInstruction *in)
{
	if (!in->raw.imm[0].is_relative || p->depth == DEPTH)
		return false;
	p->back[p->depth++] = p->eip;
	p->esp -= p->width;
	p->eip += (u32)in->raw.imm[0].value.s;
	return true;
}

static bool go_back(struct path *p, const ZydisDecodedInstruction *in)
{
	u32 eip = 0;

	if (in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return false;
	if (p->depth)
		eip = p->back[--p->depth];
	else if (dbg_read(p->cpu, p->cpu->seg[SEG_SS].base + p->esp, &eip, p->width) != p->width)
		return false;
	p->eip = eip;
	p->esp += p->width + (in->raw.imm[0].size ? (u32)in->raw.imm[0].value.u : 0);
	return true;
}

/* MOV ESP, EBP and additions to ESP by a constant, in the forms that compilers know. */
static bool moves_stack(struct path *p, const ZydisDecodedInstruction *in)
{
	bool of_regs = in->raw.modrm.mod == 3;
	u32 by = (u32)in->raw.imm[0].value.s;

	if (of_regs && ((in->opcode == 0x89 && in->raw.modrm.rm == REG_ESP) ||
			(in->opcode == 0x8b && in->raw.modrm.reg == REG_ESP))) {
		p->esp = p->ebp;
		return p->has_ebp &&
		       (in->opcode == 0x89 ? in->raw.modrm.reg : in->raw.modrm.rm) == REG_EBP;
	}
	if (of_regs && (in->opcode == 0x81 || in->opcode == 0x83) && in->raw.modrm.rm == REG_ESP)
		p->esp += in->mnemonic == ZYDIS_MNEMONIC_ADD   ? by
			  : in->mnemonic == ZYDIS_MNEMONIC_SUB ? 0 - by
							       : 0;
	return true;
}

static bool leave(struct path *p)
{
	p->esp = p->ebp + p->width;
	return p->has_ebp;
}

/* Behind the instruction. False: nobody knows where, or when. */
static bool step(struct path *p, const ZydisDecodedInstruction *in)
{
	p->eip += in->length;
	p->width = (u8)(in->operand_width == 16 ? 2 : 4);
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_JMP:
		p->eip += (u32)in->raw.imm[0].value.s;
		return in->raw.imm[0].is_relative;
	case ZYDIS_MNEMONIC_CALL:
		return call(p, in);
	case ZYDIS_MNEMONIC_RET:
		return go_back(p, in);
	case ZYDIS_MNEMONIC_PUSH:
		p->esp -= p->width;
		return true;
	case ZYDIS_MNEMONIC_POP:
		p->esp += p->width;
		p->has_ebp &= in->opcode != 0x58 + REG_EBP;
		return true;
	case ZYDIS_MNEMONIC_LEAVE:
		return leave(p);
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_ADD:
	case ZYDIS_MNEMONIC_SUB:
		return moves_stack(p, in);
	default:
		break;
	}
	switch (in->meta.category) {
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_IO:
	case ZYDIS_CATEGORY_IOSTRINGOP:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_STRINGOP:
	case ZYDIS_CATEGORY_SYSTEM: /* RDTSC and HLT among them */
	case ZYDIS_CATEGORY_SYSCALL:
		return false;
	default:
		return in->mnemonic != ZYDIS_MNEMONIC_PAUSE && in->mnemonic != ZYDIS_MNEMONIC_CPUID;
	}
}

gla_t dbg_next_in(struct cpu *cpu)
{
	struct path p = { .cpu = cpu,
			  .eip = cpu->eip,
			  .esp = cpu->gpr[REG_ESP],
			  .ebp = cpu->gpr[REG_EBP],
			  .has_ebp = true };
	ZydisDecodedInstruction in;

	if (!decode(&p, &in))
		return 0;
	p.eip += in.length;
	for (unsigned n = 0; n < AHEAD && decode(&p, &in); n++) {
		if (in.mnemonic == ZYDIS_MNEMONIC_IN)
			return cpu->seg[SEG_CS].base + p.eip;
		if (!step(&p, &in))
			return 0;
	}
	return 0;
}
