/* SPDX-License-Identifier: MIT */
/*
 * The parts of the generator: what a case may hold (generate_rules.c), values and initial state
 * (generate_state.c), instructions with what they need (generate.c).
 */
#pragma once

#include "tests/diff/case.h"

struct gen {
	struct diff_case *c;
	const struct case_layout *l;
	u64 r;
	unsigned what;
	ZydisDecoder d;
};

/* The mode, the other processor and what is asked for permit this instruction. */
bool generate_allowed(const struct gen *g, const ZydisDecodedInstruction *in,
		      const ZydisDecodedOperand *op);
/* It names a segment register, or loads one. */
bool generate_touches_segment(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op);
bool generate_touches_control(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op);

/* One of the values that make instructions do something else, more often than any other. */
u32 generate_value(u64 *r);
