/* SPDX-License-Identifier: MIT */
/*
 * The last exits of a virtual CPU, for `exits`: what left which engine, where, and when. One
 * store per exit; always on.
 */
#pragma once

#include "kernel/base/count.h"
#include "kernel/base/types.h"

#define EXIT_TRACE_SIZE 1024u /* power of two */

/* What ended a raw stay. */
enum raw_exit {
	RAWEXIT_IRQ,	  /* a device interrupt of the machine */
	RAWEXIT_PF_GUEST, /* #PF that is the guest's own */
	RAWEXIT_PF_SLOW,  /* device memory or a watched page */
	RAWEXIT_FETCH,	  /* ring 1 fetched from a page that is not clean */
	RAWEXIT_SOFTINT,  /* INT n */
	RAWEXIT_SYSENTER,
	RAWEXIT_GP,
	RAWEXIT_DEBUG,	 /* #DB */
	RAWEXIT_OTHER,	 /* #UD, #DE, #NM, ... */
	RAWEXIT_ENTRY,	 /* IRETQ itself failed: nothing ran */
	RAWEXIT_CHANGED, /* its own doing: another CS or SS, or TF */
	RAWEXIT_COUNT
};

extern const char *const raw_exit_name[RAWEXIT_COUNT];

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
	if (!COUNTING)
		return;
	t->entry[t->next++ % EXIT_TRACE_SIZE] = (struct exit_trace_entry){
		.tsc = tsc, .eip = eip, .detail = detail, .kind = kind, .info = info
	};
}

struct cpu;

/* Prints the newest n entries, oldest first. cpu: whose they are, for names; may be NULL. */
void exit_trace_print(const struct exit_trace *t, unsigned n, struct cpu *cpu);
/* The time of an entry, and how long it came after the one before (0: none). */
void exit_trace_print_time(u64 tsc, u64 *before);
/* What one says but the time, to the end of the line. */
void exit_trace_print_one(const struct exit_trace_entry *e, struct cpu *cpu);
/* From which n places most of them came. E_NOMEM. */
int exit_trace_print_places(const struct exit_trace *t, unsigned n, struct cpu *cpu);
