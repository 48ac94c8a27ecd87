/* SPDX-License-Identifier: MIT */
/*
 * Counted loops: short loops whose iterations do nothing but add numbers to registers, store one
 * element, and compare.
 *
 *     fill:  mov [eax + 0a0000h], eax      next:  test ecx, ecx
 *            add eax, 4                           je done
 *            cmp eax, 64000                       dec ecx
 *            jne fill                             mov [eax + ecx], dl
 *                                                 jmp next
 *
 * So the state behind any number of them is known without executing them. The backward jump calls
 * C, which does as many at once as end neither the loop nor the page (recomp_loop.c), and the loop
 * goes on as if it had done them. trans_loop.c recognises them.
 */
#pragma once

#include "emu/block/recomp_internal.h"

#define LOOP_NO_REG (-1)

/* A register and a number, or the number alone: as they are in the last iteration that was
 * executed, by what the registers are at its end. */
struct loop_value {
	s8 reg;
	u32 plus;
};

/* The last instruction of an iteration that writes flags: a - b, or a + b. */
enum loop_flags_op { LOOP_FLAGS_NONE, LOOP_FLAGS_SUB, LOOP_FLAGS_ADD };

struct loop_flags {
	enum loop_flags_op op;
	bool keeps_carry; /* INC and DEC */
	struct loop_value a, b;
};

/* As in Jcc. */
enum loop_condition {
	LOOP_WHILE_BELOW = 2,
	LOOP_WHILE_ABOVE_EQUAL = 3,
	LOOP_WHILE_NOT_EQUAL = 5,
	LOOP_WHILE_BELOW_EQUAL = 6,
	LOOP_WHILE_ABOVE = 7,
	LOOP_WHILE_NOT_NEGATIVE = 9,
	LOOP_WHILE_LESS = 12,
	LOOP_WHILE_GREATER_EQUAL = 13,
	LOOP_WHILE_LESS_EQUAL = 14,
	LOOP_WHILE_GREATER = 15,
};

struct loop {
	struct site site; /* the jump; imm: the block's number */
	u32 target;	  /* EIP of the first instruction */
	u32 step[8];	  /* what an iteration adds to each register */
	unsigned insns;

	/* The element: its address is base + index * scale + plus. */
	s8 base, index;
	u8 scale, size;
	u32 plus;
	struct loop_value stored;
	u8 shift;     /* 8: AH to BH */
	bool upwards; /* a string instruction: DF has to be clear */

	unsigned condition; /* enum loop_condition: it goes on while that holds for a and b */
	struct loop_value a, b;

	struct loop_flags flags, carry; /* carry: who writes CF last, if flags.keeps_carry */
	/*
	 * a alone tells how much is left to do, and the first instruction writes all flags: a
	 * comparison in front of the call spares the calls for a few iterations. These are looked
	 * at by nobody, but are few.
	 */
	bool counter;
	s32 credit; /* instructions that the calls have saved, less what they cost */
};

/* Loops whose calls were in vain, by the linear address of their jump: a hint. */
bool loop_is_plain(const struct recomp *r, gla_t gla);
void loop_note_plain(struct recomp *r, gla_t gla);
