/* SPDX-License-Identifier: MIT */
/*
 * Where a guest was when it was looked at, counted: a table of stacks of addresses, the innermost
 * first, each with a mark of the caller's (how the code ran). A stack of one address is a plain
 * count. Pure; samples may come from an interrupt while nobody reads.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/dbg/dbg_text.h"

#define PROFILE_DEPTH 24u
#define PROFILE_MARKS 8u

struct profile_stack {
	u32 count;
	u8 depth, mark;
	u32 at[PROFILE_DEPTH];
};

struct profile {
	struct profile_stack *stack; /* by hash; count 0: free */
	u32 size;		     /* a power of two */
	u32 samples, lost;	     /* lost: of other stacks than there was room for */
};

/* E_NOMEM. */
int profile_create(struct profile *p, u32 size);
void profile_destroy(struct profile *p);
void profile_add(struct profile *p, u8 mark, const u32 *at, unsigned depth);

/* The stack of a 16- or 32-bit guest from EIP by the chain of EBP, as linear addresses; at most n
 * (1 or more). Reads memory only where nothing has an effect. */
unsigned profile_walk(struct cpu *cpu, u32 eip, u32 ebp, u32 *at, unsigned n);

/* Samples of one kind, summed up. */
struct profile_row {
	u32 key[2];
	u32 count;
	u32 marks[PROFILE_MARKS]; /* of count: so many with each mark */
};

/*
 * Sums up the stacks by a key that key_of() gives each, false: it does not count. row: room for
 * p->size of them; returns how many there are, in no order.
 */
unsigned profile_collect(const struct profile *p, struct profile_row *row,
			 bool (*key_of)(const void *ctx, const struct profile_stack *s, u32 key[2]),
			 const void *ctx);
/* The first of those with most samples. rows: not 0. Setting its count to 0 makes way for the
 * next. */
struct profile_row *profile_hottest(struct profile_row *row, unsigned rows);

/*
 * The n hottest places: functions where there are symbols, else addresses. mark: their names, NULL
 * at the end.
 */
int profile_print(const struct profile *p, const struct dbg_symbols *symbols, unsigned n,
		  const char *const *mark, const struct dbg_out *out);
/* Each stack as `outer;...;inner COUNT`, for flame graphs. */
void profile_print_folded(const struct profile *p, const struct dbg_symbols *symbols,
			  const struct dbg_out *out);
