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
#define ORDER "which part of a wide or second operand faults first is nowhere written down"
	{ ZYDIS_MNEMONIC_CMPSB, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_CMPSW, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_CMPSD, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_FRSTOR, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_FLDENV, EXCEPT_ON_ALL, CR2, ORDER },
	{ ZYDIS_MNEMONIC_FXRSTOR, EXCEPT_ON_ALL, CR2, ORDER },
#define HALFWAY "how far it gets before it faults is the processor's choice; ours does nothing then"
	{ ZYDIS_MNEMONIC_PUSHA, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
	{ ZYDIS_MNEMONIC_PUSHAD, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
	{ ZYDIS_MNEMONIC_POPA, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
	{ ZYDIS_MNEMONIC_POPAD, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
	{ ZYDIS_MNEMONIC_MASKMOVQ, EXCEPT_ON_ALL, EXCEPT_X87,
	  "TOP is 0 even if the store faults, on the processor that this was tested on" },
	{ ZYDIS_MNEMONIC_ENTER, EXCEPT_ON_ALL, PARTIAL, HALFWAY },
};

/* Unicorn 2.0 forgets what its lazily computed flags were when one of these faults. */
static bool lazy_flags(const ZydisDecodedInstruction *in)
{
	return in->meta.category == ZYDIS_CATEGORY_SETCC ||
	       in->meta.category == ZYDIS_CATEGORY_CMOV || in->mnemonic == ZYDIS_MNEMONIC_RCL ||
	       in->mnemonic == ZYDIS_MNEMONIC_RCR;
}

bool case_exception(const ZydisDecodedInstruction *in, unsigned on, unsigned what)
{
	if ((on & EXCEPT_ON_UNICORN) && (what & EXCEPT_FLAGS) && lazy_flags(in))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].mnemonic == in->mnemonic && (table[i].on & on) &&
		    (table[i].what & what))
			return true;
	return false;
}
