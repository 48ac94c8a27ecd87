/* SPDX-License-Identifier: MIT */
/*
 * Running a case on a processor, and the end that it came to.
 */
#pragma once

#include "tests/diff/case.h"

/* The image of FXSAVE (SDM 1, table 10-2): the x87 part, which holds MXCSR, ends at XMM0. */
#define FX_X87	 160u
#define FX_MXCSR 24u

#define OUTCOME_WINDOW 0x10000u

struct outcome {
	int failed; /* as processor.run */
	struct case_state end;
	u8 data[OUTCOME_WINDOW], stack[OUTCOME_WINDOW];
};

/* After two ticks stop() is called from the signal, with its context; NULL: no more. */
void outcome_watch(void (*stop)(void *context));
/*
 * Runs a case. Stray jumps may come back to the case's start: after two ticks of a timer the
 * processor is stopped, and failed is 1.
 */
void outcome_of(struct processor *p, const struct diff_case *c, struct outcome *o);

/* x87 control, status and tags, MXCSR, ten bytes of each ST, XMM. */
bool outcome_same_fpu(const u8 *a, const u8 *b);
/* What a processor with weak_fpu knows of it; a is ours. */
bool outcome_similar_fpu(const u8 *a, const u8 *b);
