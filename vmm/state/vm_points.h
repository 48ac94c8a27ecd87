/* SPDX-License-Identifier: MIT */
/*
 * What a debugger has of one VM: its breakpoints and watchpoints by number, what else stops the VM,
 * and why it stands. vmm/vm/vm_point.h and vmm/vm/vm_debug.h have the functions.
 */
#pragma once

#include "emu/cpu/stop.h"
#include "emu/dbg/dbg_symbols.h"

struct vm;

enum vm_owner { OWNER_PROMPT, OWNER_GDB, OWNER_ONCE /* gone at the next stop, whatever that is */ };

struct vm_point {
	bool used;
	u32 number; /* 0: it has none */
	struct cpu_stop stop;
	enum vm_owner owner;
	u64 hits;	    /* its condition held */
	u32 ignore;	    /* so many more hits are passed over */
	struct vm_if *cond; /* NULL: always */
	char *commands;	    /* for the prompt, at each stop; NULL: none */
};

enum vm_stood {
	STOOD_NOT,
	STOOD_ASKED,
	STOOD_STEP,
	STOOD_POINT,
	STOOD_HALT,
	STOOD_SHUTDOWN,
	STOOD_ENDED, /* the VM has stopped for good, or was reset */
};

struct vm_debug {
	struct vm_point point[CPU_STOPS]; /* by the id of their stops */
	struct dbg_symbols symbols;
	struct event_trace *trace; /* NULL: nothing has been traced yet */
	u32 numbers;		   /* given out */
	bool at_halt;		   /* HLT with interrupts off */
	bool at_shutdown;	   /* a triple fault */
	bool at_start;		   /* its first instruction, which it is on its way to */
	/* Why it stands, and what it met: a copy, since a point of OWNER_ONCE is gone. */
	enum vm_stood stood;
	struct vm_point met;
	/* Told of each stop in place of the log. NULL: none. In the VM's turn, or of the prompt. */
	void (*told)(struct vm *vm);
	/* A point with commands was met. NULL: nobody runs them. */
	void (*commands)(struct vm *vm, const char *text);
};
