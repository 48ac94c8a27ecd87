/* SPDX-License-Identifier: MIT */
/*
 * Makes the tables from insn.def: each part of the file is included once, with its macro defined.
 */
#include "emu/isa/isa.h"

const u8 isa_op_how[OP_COUNT] = {
#define OP(name, function, how) [OP_##name] = (how),
#include "emu/isa/insn.def"
#undef OP
};

const struct isa_insn isa_insn[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, operation, facts, tests) \
	[ZYDIS_MNEMONIC_##mnemonic] = { OP_##operation, (facts) },
#include "emu/isa/insn.def"
#undef INSN
};

const u8 isa_extension[ZYDIS_ISA_EXT_MAX_VALUE + 1] = {
#define EXTENSION(name, there) [ZYDIS_ISA_EXT_##name] = (there),
#include "emu/isa/insn.def"
#undef EXTENSION
};

/* What the rows promise each other. (A mnemonic with two rows is -Woverride-init's.) */
_Static_assert(OP_COUNT <= 256, "struct isa_insn keeps an operation in a byte");
_Static_assert(ISA_GATE(FPU_AVX) <= ISA_GATES, "the gate's class is the low bits of the facts");
#define OP(name, function, how)                                \
	_Static_assert(!((how)&HOW_MODE) || !((how)&HOW_ENDS), \
		       #name " ends its block: what mode is behind it?");
#include "emu/isa/insn.def"
#undef OP
#define INSN(mnemonic, operation, facts, tests)                                                   \
	_Static_assert(!((facts) & (ISA_RING1 | ISA_RING1_NO_UMIP)) || OP_##operation != OP_COPY, \
		       #mnemonic " shows what the guest must not see, and is copied");            \
	_Static_assert(!((facts)&ISA_MASKED64) || ((facts)&ISA_MASKED), #mnemonic);               \
	_Static_assert(OP_##operation == OP_COPY || OP_##operation == OP_UD ||                    \
			       !((facts) & (ISA_BITS | ISA_MASKED | ISA_UNALIGNED)),              \
		       #mnemonic " is not copied, and this is about copies");
#include "emu/isa/insn.def"
#undef INSN
#define EXTENSION(name, there)                                     \
	_Static_assert(!((there)&EXT_HINT) || (there) == EXT_HINT, \
		       #name " is here: its instructions are no hints");
#include "emu/isa/insn.def"
#undef EXTENSION
