/* SPDX-License-Identifier: MIT */
/*
 * Which kinds of instructions translated code may hold: a whitelist, by Zydis's categories, and by
 * mnemonic where a category mixes kinds. What is not named is refused.
 */
#include "emu/verify/verify_internal.h"

/* In these categories everything computes on registers and memory operands. */
static bool plain(ZydisInstructionCategory c)
{
	switch (c) {
	case ZYDIS_CATEGORY_ADOX_ADCX:
	case ZYDIS_CATEGORY_AES:
	case ZYDIS_CATEGORY_AVX:
	case ZYDIS_CATEGORY_AVX2:
	case ZYDIS_CATEGORY_AVX2GATHER:
	case ZYDIS_CATEGORY_BINARY:
	case ZYDIS_CATEGORY_BITBYTE:
	case ZYDIS_CATEGORY_BLEND:
	case ZYDIS_CATEGORY_BMI1:
	case ZYDIS_CATEGORY_BMI2:
	case ZYDIS_CATEGORY_BROADCAST:
	case ZYDIS_CATEGORY_CMOV:
	case ZYDIS_CATEGORY_CONVERT:
	case ZYDIS_CATEGORY_FCMOV:
	case ZYDIS_CATEGORY_GATHER:
	case ZYDIS_CATEGORY_LOGICAL:
	case ZYDIS_CATEGORY_LOGICAL_FP:
	case ZYDIS_CATEGORY_LZCNT:
	case ZYDIS_CATEGORY_MMX:
	case ZYDIS_CATEGORY_NOP:
	case ZYDIS_CATEGORY_PCLMULQDQ:
	case ZYDIS_CATEGORY_RDRAND:
	case ZYDIS_CATEGORY_RDSEED:
	case ZYDIS_CATEGORY_ROTATE:
	case ZYDIS_CATEGORY_SEMAPHORE:
	case ZYDIS_CATEGORY_SETCC:
	case ZYDIS_CATEGORY_SHA:
	case ZYDIS_CATEGORY_SHIFT:
	case ZYDIS_CATEGORY_STRINGOP:
	case ZYDIS_CATEGORY_STTNI:
	case ZYDIS_CATEGORY_TBM:
	case ZYDIS_CATEGORY_VFMA:
	case ZYDIS_CATEGORY_WIDENOP:
	case ZYDIS_CATEGORY_PREFETCH:
		return true;
	default:
		return false;
	}
}

/* Moves; those of segment, control and debug registers are refused by their operands. */
static bool moves(ZydisInstructionCategory c)
{
	return c == ZYDIS_CATEGORY_DATAXFER || c == ZYDIS_CATEGORY_SSE ||
	       c == ZYDIS_CATEGORY_X87_ALU;
}

/* The 64-bit forms of state images are not what a guest knows. */
static bool state_image(ZydisMnemonic m)
{
	switch (m) {
	case ZYDIS_MNEMONIC_FNSAVE:
	case ZYDIS_MNEMONIC_FRSTOR:
	case ZYDIS_MNEMONIC_FNSTENV:
	case ZYDIS_MNEMONIC_FLDENV:
	case ZYDIS_MNEMONIC_FXSAVE:
	case ZYDIS_MNEMONIC_FXSAVE64:
	case ZYDIS_MNEMONIC_FXRSTOR:
	case ZYDIS_MNEMONIC_FXRSTOR64:
		return true;
	default:
		return false;
	}
}

/* Members of mixed categories (flag operations, the rest). */
static bool named(ZydisMnemonic m)
{
	switch (m) {
	case ZYDIS_MNEMONIC_CLC:
	case ZYDIS_MNEMONIC_STC:
	case ZYDIS_MNEMONIC_CMC:
	case ZYDIS_MNEMONIC_CLD:
	case ZYDIS_MNEMONIC_STD:
	case ZYDIS_MNEMONIC_LAHF:
	case ZYDIS_MNEMONIC_SAHF:
	case ZYDIS_MNEMONIC_LEA:
	case ZYDIS_MNEMONIC_PAUSE:
	case ZYDIS_MNEMONIC_LFENCE:
	case ZYDIS_MNEMONIC_MFENCE:
	case ZYDIS_MNEMONIC_SFENCE:
	case ZYDIS_MNEMONIC_CLFLUSH:
	case ZYDIS_MNEMONIC_CLFLUSHOPT:
	case ZYDIS_MNEMONIC_CLWB:
	case ZYDIS_MNEMONIC_LDMXCSR:
	case ZYDIS_MNEMONIC_STMXCSR:
	case ZYDIS_MNEMONIC_VLDMXCSR:
	case ZYDIS_MNEMONIC_VSTMXCSR:
	case ZYDIS_MNEMONIC_VZEROALL:
	case ZYDIS_MNEMONIC_VZEROUPPER:
	case ZYDIS_MNEMONIC_CRC32:
	case ZYDIS_MNEMONIC_POPCNT:
	case ZYDIS_MNEMONIC_MOVBE:
	case ZYDIS_MNEMONIC_RDTSC: /* CR4.TSD: the translator checks it */
		return true;
	default:
		return false;
	}
}

/* XBEGIN and XABORT are in these categories, too: they begin and end a transaction. */
static bool branches(const ZydisDecodedInstruction *in)
{
	ZydisInstructionCategory c = in->meta.category;

	return in->meta.isa_ext == ZYDIS_ISA_EXT_BASE &&
	       (c == ZYDIS_CATEGORY_COND_BR || c == ZYDIS_CATEGORY_UNCOND_BR ||
		c == ZYDIS_CATEGORY_CALL);
}

static bool system_class(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_SEGMENT:
	case ZYDIS_REGCLASS_TABLE:
	case ZYDIS_REGCLASS_TEST:
	case ZYDIS_REGCLASS_CONTROL:
	case ZYDIS_REGCLASS_DEBUG:
		return true;
	default:
		return false;
	}
}

/* No operand, named or implied, is a register of the system's. */
static bool system_operand(const struct verify *v)
{
	for (unsigned i = 0; i < v->in.operand_count; i++)
		if (v->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    system_class(v->op[i].reg.value))
			return true;
	return false;
}

bool verify_class(struct verify *v)
{
	const ZydisDecodedInstruction *in = &v->in;
	ZydisInstructionCategory c = in->meta.category;
	ZyanU64 flags = ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_ZF |
			ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF | ZYDIS_CPUFLAG_DF;

	if (in->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	    in->encoding != ZYDIS_INSTRUCTION_ENCODING_VEX)
		return verify_fail(v, "an encoding that no i686 has");
	if (!plain(c) && !(moves(c) && !state_image(in->mnemonic)) && !named(in->mnemonic) &&
	    !branches(in))
		return verify_fail(v, "an instruction of a kind that is not allowed");
	if (branches(in) && (in->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE))
		return verify_fail(v, "a branch with an operand size: processors differ");
	if (in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return verify_fail(v, "a far transfer");
	if (system_operand(v))
		return verify_fail(v, "a system register");
	if (in->cpu_flags && ((in->cpu_flags->modified | in->cpu_flags->set_0 |
			       in->cpu_flags->set_1 | in->cpu_flags->undefined) &
			      ~flags))
		return verify_fail(v, "a flag of the system's");
	return true;
}
