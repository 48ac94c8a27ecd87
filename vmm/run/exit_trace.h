/* SPDX-License-Identifier: MIT */
/*
 * The last exits of a virtual CPU, for `trace NAME`: what left which engine, where, and when. One
 * store per exit; always on.
 */
#pragma once

#include "kernel/base/types.h"

#define EXIT_TRACE_SIZE 256u /* power of two */

enum exit_trace_kind {
	TRACE_RAW3, /* raw ring 3 left; info: enum raw_exit, detail: vector and error */
	TRACE_RAW1,
	TRACE_RECOMPILER, /* recomp_run() came back; info: enum recomp_exit */
	TRACE_CODE,	  /* exception in translated code; info: vector, detail: CR2 */
	TRACE_IRQ,	  /* virtual interrupt delivered; info: vector */
};

struct exit_trace_entry {
	u64 tsc;
	u32 eip, detail;
	u8 kind, info;
};

struct exit_trace {
	struct exit_trace_entry entry[EXIT_TRACE_SIZE];
	u32 next;
};

static inline void exit_trace_add(struct exit_trace *t, u8 kind, u8 info, u32 eip, u32 detail,
				  u64 tsc)
{
	t->entry[t->next++ % EXIT_TRACE_SIZE] = (struct exit_trace_entry){
		.tsc = tsc, .eip = eip, .detail = detail, .kind = kind, .info = info
	};
}

/* Prints the newest n entries, oldest first. */
void exit_trace_print(const struct exit_trace *t, unsigned n);
