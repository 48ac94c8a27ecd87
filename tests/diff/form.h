/* SPDX-License-Identifier: MIT */
/*
 * Forms of instructions that touch memory: every encoding of the opcode maps (tests/host/
 * opcode_maps.h) with an operand in memory or on the stack that is not the same instruction as
 * another but for its registers, and cases that execute one.
 */
#pragma once

#include "tests/diff/case.h"

struct form {
	u8 head[8];  /* prefixes and opcode */
	u8 len, reg; /* ModRM's reg, if it is a part of the opcode */
	bool has_modrm, grouped;
	ZydisDecodedInstruction in;
};

/* Calls take() for each form in 16-bit or 32-bit code; they come in the same order every time. */
void form_each(bool code16, void (*take)(const struct form *f));

/*
 * A case of one instruction: turn 0 aligned and inside a page, 1 across the end of one, 2 at an end
 * or, if it is long, aligned across it; repeated instructions with a count of 0, 1 and more in
 * turns. Registers, addresses, values, segments and the place in the code page are random. Returns
 * false if it found none.
 */
#define FORM_TURNS 3u
bool form_case(struct diff_case *c, const struct form *f, enum case_mode mode, u64 seed, u64 index,
	       unsigned turn);
bool form_repeats(const ZydisDecodedInstruction *in);
