/* SPDX-License-Identifier: MIT */
/*
 * Inside the verifier: what is known of the registers at one point of a block.
 */
#pragma once

#include "emu/block/recomp_internal.h"

enum value_kind {
	VALUE_ANY,
	VALUE_U32,   /* below 2^32 */
	VALUE_U16,   /* below 2^16 */
	VALUE_INDEX, /* twice a VALUE_U16: below 2^17 */
	VALUE_CONST, /* a number of 32 bits */
	/* The comparison of a look-up entry with the tag and an EIP, in any order of the sum. */
	VALUE_TAG,	   /* cpu->lookup_tag */
	VALUE_ENTRY,	   /* minus_tag of the entry */
	VALUE_ENTRY_EIP,   /* ... plus a VALUE_U32 */
	VALUE_ENTRY_TAG,   /* ... plus the tag */
	VALUE_COMPARED,	   /* ... plus both: 0 if the entry is the right one */
	VALUE_THREAD_BASE, /* cpu->thread_base: where the base of FS or GS may be read */
};

struct value {
	u8 kind;  /* enum value_kind */
	u32 data; /* VALUE_CONST: the number; VALUE_INDEX, ENTRY...: which index (a serial number)
		   */
};

static inline bool verify_below_4g(struct value a)
{
	return a.kind >= VALUE_U32 && a.kind <= VALUE_CONST;
}

struct state {
	struct value reg[16];
	u32 matched; /* the index whose entry was found to be the right one; 0: none */
	bool reachable;
};

struct verify {
	const struct recomp *r;
	const struct block *b;
	const u8 *code;
	struct state now;
	u32 offset, next; /* of this instruction and the next one */
	u32 serial;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	const char *why; /* set once: the proof has failed */
};

/* Records a failure; returns false. */
bool verify_fail(struct verify *v, const char *why);

/* verify_class.c: the instruction is of a kind that translated code may hold. */
bool verify_class(struct verify *v);
/* verify_operand.c: its memory operands and the registers that it writes are; then what it leaves
 * in them. */
bool verify_operands(struct verify *v);
void verify_effects(struct verify *v);
/* The value of a general register operand, by its 64-bit number; -1 if it is none. */
int verify_reg(ZydisRegister reg);
