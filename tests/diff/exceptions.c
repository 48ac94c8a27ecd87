/* SPDX-License-Identifier: MIT */
/*
 * Everything that is not compared, or not generated, and why: one table of reasons; which mnemonics
 * each is about says emu/isa/insn.def. What is not listed must agree to the bit.
 */
#include "tests/diff/case.h"

#define SKIP	EXCEPT_SKIP
#define CR2	EXCEPT_CR2
#define PARTIAL EXCEPT_PARTIAL

static const struct {
	enum case_note note;
	unsigned on; /* EXCEPT_ON_* */
	unsigned what;
	const char *why;
} table[] = {
	{ TEST_NO_MMX, EXCEPT_ON_UNICORN, SKIP,
	  "Unicorn enters MMX late, or not at all: TOP and tags" },
	{ TEST_X87_NATIVE, EXCEPT_ON_UNICORN, SKIP, "x87: compared with the native processor" },
	{ TEST_MXCSR, EXCEPT_ON_UNICORN, SKIP, "shows flags that Unicorn does not keep" },
	{ TEST_SAME, EXCEPT_ON_UNICORN, SKIP,
	  "Unicorn overwrites what it still needs, if both operands are the same" },
	{ TEST_LAR, EXCEPT_ON_UNICORN, SKIP, "bits 16 to 19 are undefined (SDM 2A, LAR)" },
	{ TEST_NO_POPCNT, EXCEPT_ON_UNICORN, SKIP, "Unicorn's model has none" },
	{ TEST_READS_16, EXCEPT_ON_UNICORN, SKIP, "Unicorn reads 16 bytes for 8" },
	{ TEST_HALVES, EXCEPT_ON_UNICORN, PARTIAL, "Unicorn moves 16 bytes as two times 8" },
	{ TEST_MASKED_OUT, EXCEPT_ON_UNICORN, SKIP,
	  "whether bytes that the mask leaves out fault is the processor's choice" },
	{ TEST_SUM_ORDER, EXCEPT_ON_UNICORN, SKIP, "Unicorn adds in another order" },
	{ TEST_LENGTH, EXCEPT_ON_UNICORN, SKIP,
	  "Unicorn reads beyond its own registers, and may crash, if a length is 80000000h" },
	{ TEST_APPROXIMATE, EXCEPT_ON_UNICORN, SKIP, "each processor has its own approximation" },
	{ TEST_ORDER, EXCEPT_ON_ALL, CR2,
	  "which part of a wide or second operand faults first is nowhere written down" },
	{ TEST_HALFWAY, EXCEPT_ON_ALL, PARTIAL,
	  "how far it gets before it faults is the processor's choice; ours does nothing then" },
	{ TEST_STICKY, EXCEPT_ON_ALL, EXCEPT_MXCSR,
	  "some processors set the flags in MXCSR even if the store faults" },
	{ TEST_CHECKS_FIRST, EXCEPT_ON_NATIVE, EXCEPT_FAULTS,
	  "some processors compare with the lower bound before they read the upper one" },
	{ TEST_STORES, EXCEPT_ON_ALL, EXCEPT_STORES, "trans_frame.c" },
	{ TEST_SHA, EXCEPT_ON_NATIVE, EXCEPT_CHECKS,
	  "the processor that this was tested on takes operands of any alignment (SDM 2B: #GP)" },
	{ TEST_GATHER, EXCEPT_ON_ALL, PARTIAL | EXCEPT_PROGRESS,
	  "elements before the one that faulted are loaded, and their masks clear (SDM 2C)" },
};

static const u32 notes[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, operation, facts, tests) [ZYDIS_MNEMONIC_##mnemonic] = (tests),
#include "emu/isa/insn.def"
#undef INSN
};

bool case_noted(const ZydisDecodedInstruction *in, enum case_note note)
{
	return notes[in->mnemonic] & note;
}

/* Unicorn 2.0 forgets what its lazily computed flags were when one of these faults. */
static bool lazy_flags(const ZydisDecodedInstruction *in)
{
	return in->meta.category == ZYDIS_CATEGORY_SETCC ||
	       in->meta.category == ZYDIS_CATEGORY_CMOV || in->mnemonic == ZYDIS_MNEMONIC_RCL ||
	       in->mnemonic == ZYDIS_MNEMONIC_RCR;
}

/* As NO_MMX, where a memory operand faults: not compared. Real processors may enter MMX, too. */
static bool mmx(const ZydisDecodedInstruction *in)
{
	return in->meta.isa_ext == ZYDIS_ISA_EXT_MMX || in->meta.isa_set == ZYDIS_ISA_SET_SSE2MMX;
}

/* Newer processors store ten bytes as eight and two, and look for numeric exceptions, which may
 * leave the store out, before they look at its page. */
static bool x87(const ZydisDecodedInstruction *in)
{
	return in->meta.category == ZYDIS_CATEGORY_X87_ALU;
}

bool case_exception(const ZydisDecodedInstruction *in, unsigned on, unsigned what)
{
	if ((what & EXCEPT_X87) && mmx(in))
		return true;
	if ((what & EXCEPT_STORES) && x87(in))
		return true;
	if ((on & EXCEPT_ON_NATIVE) && (what & EXCEPT_FAULTS) && x87(in))
		return true;
	if ((on & EXCEPT_ON_UNICORN) && (what & EXCEPT_PARTIAL) && mmx(in))
		return true;
	if ((on & EXCEPT_ON_UNICORN) && (what & EXCEPT_FLAGS) && lazy_flags(in))
		return true;
	/* As ORDER: the two words of a far return. */
	if ((what & EXCEPT_CR2) && in->mnemonic == ZYDIS_MNEMONIC_RET &&
	    in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		if (case_noted(in, table[i].note) && (table[i].on & on) && (table[i].what & what))
			return true;
	return false;
}
