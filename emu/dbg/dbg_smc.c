/* SPDX-License-Identifier: MIT */
/*
 * Decodes on from the instruction that wrote, as far as a processor may have fetched.
 */
#include "emu/dbg/dbg_smc.h"

#include <Zydis/Zydis.h>

#include "emu/cpu/operand.h"
#include "emu/cpu/semantics.h"
#include "emu/dbg/dbg_disas.h"
#include "emu/dbg/dbg_mem.h"

#define FETCHED 64u /* bytes ahead: two lines of a Pentium's prefetch buffers */

static bool fetches_anew(const ZydisDecodedInstruction *in)
{
	switch (in->meta.category) {
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_INTERRUPT:
	case ZYDIS_CATEGORY_SYSCALL:
	case ZYDIS_CATEGORY_SYSRET:
		return true;
	default:
		break;
	}
	switch (in->mnemonic) { /* SDM 3A 8.3 */
	case ZYDIS_MNEMONIC_CPUID:
	case ZYDIS_MNEMONIC_HLT:
	case ZYDIS_MNEMONIC_INVD:
	case ZYDIS_MNEMONIC_INVLPG:
	case ZYDIS_MNEMONIC_LGDT:
	case ZYDIS_MNEMONIC_LIDT:
	case ZYDIS_MNEMONIC_LLDT:
	case ZYDIS_MNEMONIC_LMSW:
	case ZYDIS_MNEMONIC_LTR:
	case ZYDIS_MNEMONIC_RSM:
	case ZYDIS_MNEMONIC_WBINVD:
	case ZYDIS_MNEMONIC_WRMSR:
		return true;
	case ZYDIS_MNEMONIC_MOV: /* to and from control and debug registers */
		return in->opcode_map == ZYDIS_OPCODE_MAP_0F;
	default:
		return false;
	}
}

/* Does the instruction of n bytes at gla have any of them? */
static bool holds(struct cpu *cpu, gla_t gla, unsigned n, gpa_t gpa, u32 len)
{
	struct pagewalk w;

	for (; n; n--, gla++)
		if (!cpu_probe(cpu, gla, ACCESS_EXEC | cpu_user_access(cpu), &w) &&
		    w.gpa - gpa < len)
			return true;
	return false;
}

bool dbg_runs_into(struct cpu *cpu, gpa_t gpa, u32 len)
{
	bool big = dbg_code_bits(cpu) == 32;
	gla_t at = cpu->seg[SEG_CS].base + cpu->eip;
	u8 code[FETCHED + ZYDIS_MAX_INSTRUCTION_LENGTH];
	unsigned have = dbg_read(cpu, at, code, sizeof(code));
	ZydisDecodedInstruction in;
	ZydisDecoderContext ctx;
	ZydisDecoder decoder;

	ZydisDecoderInit(&decoder,
			 big ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
			 big ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
	for (unsigned i = 0; i < MIN(have, FETCHED); i += in.length) {
		if (!ZYAN_SUCCESS(
			    ZydisDecoderDecodeInstruction(&decoder, &ctx, code + i, have - i, &in)))
			return false;
		if (i && holds(cpu, at + i, in.length, gpa, len))
			return true;
		if (fetches_anew(&in))
			return false;
	}
	return false;
}
