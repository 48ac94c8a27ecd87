/* SPDX-License-Identifier: MIT */
/*
 * Everything that is not compared, or not generated, and why: one table. What is not listed here
 * must agree to the bit.
 */
#include "tests/diff/case.h"

#define SKIP	EXCEPT_SKIP
#define CR2	EXCEPT_CR2
#define PARTIAL EXCEPT_PARTIAL

static const struct {
	ZydisMnemonic mnemonic;
	unsigned on; /* EXCEPT_ON_* */
	unsigned what;
	const char *why;
} table[] = {
#define NO_MMX "Unicorn enters MMX late, or not at all: TOP and tags"
	{ ZYDIS_MNEMONIC_EMMS, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_MASKMOVQ, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_CVTPI2PS, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_CVTPI2PD, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_CVTPS2PI, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_CVTTPS2PI, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_CVTPD2PI, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_CVTTPD2PI, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_FISTTP, EXCEPT_ON_UNICORN, SKIP,
	  "x87: compared with the native processor" },
	{ ZYDIS_MNEMONIC_STMXCSR, EXCEPT_ON_UNICORN, SKIP,
	  "shows flags that Unicorn does not keep" },
#define SAME "Unicorn overwrites what it still needs, if both operands are the same"
	{ ZYDIS_MNEMONIC_PHADDW, EXCEPT_ON_UNICORN, SKIP, SAME },
	{ ZYDIS_MNEMONIC_PHADDD, EXCEPT_ON_UNICORN, SKIP, SAME },
	{ ZYDIS_MNEMONIC_PHADDSW, EXCEPT_ON_UNICORN, SKIP, SAME },
	{ ZYDIS_MNEMONIC_PHSUBW, EXCEPT_ON_UNICORN, SKIP, SAME },
	{ ZYDIS_MNEMONIC_PHSUBD, EXCEPT_ON_UNICORN, SKIP, SAME },
	{ ZYDIS_MNEMONIC_PHSUBSW, EXCEPT_ON_UNICORN, SKIP, SAME },
	{ ZYDIS_MNEMONIC_MOVDQ2Q, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_MOVQ2DQ, EXCEPT_ON_UNICORN, SKIP, NO_MMX },
	{ ZYDIS_MNEMONIC_LAR, EXCEPT_ON_UNICORN, SKIP,
	  "bits 16 to 19 are undefined (SDM 2A, LAR)" },
	{ ZYDIS_MNEMONIC_POPCNT, EXCEPT_ON_UNICORN, SKIP, "Unicorn's model has none" },
	{ ZYDIS_MNEMONIC_CVTPS2PD, EXCEPT_ON_UNICORN, SKIP, "Unicorn reads 16 bytes for 8" },
#define HALVES "Unicorn moves 16 bytes as two times 8"
	{ ZYDIS_MNEMONIC_MOVUPS, EXCEPT_ON_UNICORN, PARTIAL, HALVES },
	{ ZYDIS_MNEMONIC_MOVUPD, EXCEPT_ON_UNICORN, PARTIAL, HALVES },
	{ ZYDIS_MNEMONIC_MOVDQU, EXCEPT_ON_UNICORN, PARTIAL, HALVES },
	{ ZYDIS_MNEMONIC_LDDQU, EXCEPT_ON_UNICORN, PARTIAL, HALVES },
	{ ZYDIS_MNEMONIC_MASKMOVDQU, EXCEPT_ON_UNICORN, SKIP,
	  "whether bytes that the mask leaves out fault is the processor's choice" },
	{ ZYDIS_MNEMONIC_DPPS, EXCEPT_ON_UNICORN, SKIP, "Unicorn adds in another order" },
	{ ZYDIS_MNEMONIC_DPPD, EXCEPT_ON_UNICORN, SKIP, "Unicorn adds in another order" },
#define LENGTH "Unicorn reads beyond its own registers, and may crash, if a length is 80000000h"
	{ ZYDIS_MNEMONIC_PCMPESTRI, EXCEPT_ON_UNICORN, SKIP, LENGTH },
	{ ZYDIS_MNEMONIC_PCMPESTRM, EXCEPT_ON_UNICORN, SKIP, LENGTH },
#define APPROXIMATE "each processor has its own approximation"
	{ ZYDIS_MNEMONIC_RCPPS, EXCEPT_ON_UNICORN, SKIP, APPROXIMATE },
	{ ZYDIS_MNEMONIC_RCPSS, EXCEPT_ON_UNICORN, SKIP, APPROXIMATE },
	{ ZYDIS_MNEMONIC_RSQRTPS, EXCEPT_ON_UNICORN, SKIP, APPROXIMATE },
	{ ZYDIS_MNEMONIC_RSQRTSS, EXCEPT_ON_UNICORN, SKIP, APPROXIMATE },
#define ORDER "which part of a wide or second operand faults first is nowhere written down"
	{ ZYDIS_MNEMONIC_CMPSB, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_CMPSW, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_CMPSD, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_FRSTOR, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_FLDENV, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_FXRSTOR, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_FNSAVE, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_FNSTENV, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_FXSAVE, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_XSAVE, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_XSAVEOPT, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_XRSTOR, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_IRET, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_IRETD, EXCEPT_ON_ALL, CR2, ORDER },
#define HALFWAY "how far it gets before it faults is the processor's choice; ours does nothing then"
	{ ZYDIS_MNEMONIC_PUSHA, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
	{ ZYDIS_MNEMONIC_PUSHAD, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
	{ ZYDIS_MNEMONIC_POPA, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
	{ ZYDIS_MNEMONIC_POPAD, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
	{ ZYDIS_MNEMONIC_MASKMOVQ, EXCEPT_ON_ALL, EXCEPT_X87,
	  "TOP is 0 even if the store faults, on the processor that this was tested on" },
	{ ZYDIS_MNEMONIC_ENTER, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
	{ ZYDIS_MNEMONIC_PUSHA, EXCEPT_ON_ALL, EXCEPT_STORES, "trans_frame.c" },
	{ ZYDIS_MNEMONIC_PUSHAD, EXCEPT_ON_ALL, EXCEPT_STORES, "trans_frame.c" },
#define SHA "the processor that this was tested on takes operands of any alignment (SDM 2B: #GP)"
	{ ZYDIS_MNEMONIC_SHA1MSG1, EXCEPT_ON_NATIVE, EXCEPT_CHECKS, SHA },
	{ ZYDIS_MNEMONIC_SHA1MSG2, EXCEPT_ON_NATIVE, EXCEPT_CHECKS, SHA },
	{ ZYDIS_MNEMONIC_SHA1NEXTE, EXCEPT_ON_NATIVE, EXCEPT_CHECKS, SHA },
	{ ZYDIS_MNEMONIC_SHA1RNDS4, EXCEPT_ON_NATIVE, EXCEPT_CHECKS, SHA },
	{ ZYDIS_MNEMONIC_SHA256MSG1, EXCEPT_ON_NATIVE, EXCEPT_CHECKS, SHA },
	{ ZYDIS_MNEMONIC_SHA256MSG2, EXCEPT_ON_NATIVE, EXCEPT_CHECKS, SHA },
	{ ZYDIS_MNEMONIC_SHA256RNDS2, EXCEPT_ON_NATIVE, EXCEPT_CHECKS, SHA },
#define GATHER "elements before the one that faulted are loaded, and their masks clear (SDM 2C)"
	{ ZYDIS_MNEMONIC_VGATHERDPS, EXCEPT_ON_ALL, PARTIAL | EXCEPT_PROGRESS, GATHER },
	{ ZYDIS_MNEMONIC_VGATHERDPD, EXCEPT_ON_ALL, PARTIAL | EXCEPT_PROGRESS, GATHER },
	{ ZYDIS_MNEMONIC_VGATHERQPS, EXCEPT_ON_ALL, PARTIAL | EXCEPT_PROGRESS, GATHER },
	{ ZYDIS_MNEMONIC_VGATHERQPD, EXCEPT_ON_ALL, PARTIAL | EXCEPT_PROGRESS, GATHER },
	{ ZYDIS_MNEMONIC_VPGATHERDD, EXCEPT_ON_ALL, PARTIAL | EXCEPT_PROGRESS, GATHER },
	{ ZYDIS_MNEMONIC_VPGATHERDQ, EXCEPT_ON_ALL, PARTIAL | EXCEPT_PROGRESS, GATHER },
	{ ZYDIS_MNEMONIC_VPGATHERQD, EXCEPT_ON_ALL, PARTIAL | EXCEPT_PROGRESS, GATHER },
	{ ZYDIS_MNEMONIC_VPGATHERQQ, EXCEPT_ON_ALL, PARTIAL | EXCEPT_PROGRESS, GATHER },
};

/* Unicorn 2.0 forgets what its lazily computed flags were when one of these faults. */
static bool lazy_flags(const ZydisDecodedInstruction *in)
{
	return in->meta.category == ZYDIS_CATEGORY_SETCC ||
	       in->meta.category == ZYDIS_CATEGORY_CMOV || in->mnemonic == ZYDIS_MNEMONIC_RCL ||
	       in->mnemonic == ZYDIS_MNEMONIC_RCR;
}

/* As NO_MMX, where a memory operand faults: not compared. */
static bool mmx(const ZydisDecodedInstruction *in)
{
	return in->meta.isa_ext == ZYDIS_ISA_EXT_MMX || in->meta.isa_set == ZYDIS_ISA_SET_SSE2MMX;
}

bool case_exception(const ZydisDecodedInstruction *in, unsigned on, unsigned what)
{
	if ((on & EXCEPT_ON_UNICORN) && (what & EXCEPT_PARTIAL) && mmx(in))
		return true;
	if ((on & EXCEPT_ON_UNICORN) && (what & EXCEPT_FLAGS) && lazy_flags(in))
		return true;
	/* As ORDER: the two words of a far return. */
	if ((what & EXCEPT_CR2) && in->mnemonic == ZYDIS_MNEMONIC_RET &&
	    in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].mnemonic == in->mnemonic && (table[i].on & on) &&
		    (table[i].what & what))
			return true;
	return false;
}
