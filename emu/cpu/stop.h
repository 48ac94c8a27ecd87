/* SPDX-License-Identifier: MIT */
/*
 * What a debugger has asked a virtual CPU to stop at: addresses that are executed, read or written,
 * exceptions before they are delivered, interrupts that have been, ports, control registers, MSRs
 * and the processor's mode. All of it is kept beside the guest's own DR0..DR7: the
 * guest's memory and registers hold no trace of it, and the guest's own breakpoints work on.
 *
 * Who watches:
 *   execution   translated code asks in front of an instruction at an address of STOP_EXEC
 *               (emu/jit/recomp_stop.h). What runs code otherwise keeps away from the pages of such
 *               addresses (cpu_stops_on_page()).
 *   data        pages of watchpoints are in cpu->watch with those of the guest's breakpoints, and
 *               so every access to them comes to the accessors (emu/cpu/debug.c)
 *   exceptions  cpu_deliver_fault()
 *   the rest    whoever does it asks by cpu_stop_event(), if `kinds` has its bit
 *
 * What was met is in `stopped`, and CPU_EVENT_STOP tells of it at the next boundary: in front of
 * the instruction for execution and exceptions, behind it for all else. `holds` is asked there
 * whether a stop counts (cpu_stop_counts()): it knows conditions, and how often a stop is passed
 * over. `tell` hears of events whether anything stops at them or not.
 */
#pragma once

#include "kernel/base/types.h"

#define CPU_STRICT     BIT(31) /* no exception has that number */
#define CPU_STOPS      64u
#define CPU_STOP_PAGES 32u   /* that watchpoints lie on */
#define CPU_CHAIN      6u    /* faults of one delivery that are kept: a triple fault takes five */
#define CPU_STOP_LEN   4096u /* bytes of a watchpoint at most */

enum cpu_stop_kind {
	STOP_EXEC,
	STOP_WRITE,
	STOP_READ,
	STOP_ACCESS, /* these three are of data */
	STOP_PORT,
	STOP_INTERRUPT, /* hardware's, NMI among them; at the handler's first instruction */
	STOP_EXCEPTION,
	STOP_CR, /* a write */
	STOP_MSR,
	STOP_MODE, /* real, V86, protected, paged */
	STOP_KINDS
};

enum { STOP_READS = 1, STOP_WRITES = 2 };
#define STOP_STRINGS 4 /* INS and OUTS, to those who are told: EAX has not what went there */

struct cpu_stop {
	gla_t gla; /* or the first of `len` ports, vectors, control registers, MSRs */
	u32 len;   /* of STOP_EXEC: 1 */
	/* It counts only while ESP is at least this: behind a call, where the frame is gone. */
	u32 min_esp;
	u8 kind;
	u8 ways; /* STOP_PORT, STOP_MSR */
	u8 id;	 /* its owner's: below CPU_STOPS */
};

enum cpu_stopped_by {
	STOPPED_NOT,
	STOPPED_AT,
	STOPPED_BY_DATA,
	STOPPED_BY_EXCEPTION,
	STOPPED_BY_EVENT
};

struct cpu_stopped {
	u8 by, kind; /* kind: of the stop that was met */
	u8 vector;
	u32 error;
	gla_t gla; /* of the stop; of #PF; the port, vector or register */
	u64 ids;   /* of all the stops that were met */
};

struct cpu;
struct dbg_symbols;

/* A fault that a helper found and that is still to be delivered. */
struct cpu_fault {
	u8 vector;
	bool has_error;
	u32 error;
	gla_t addr; /* #PF: goes to CR2 at delivery; #DB: bits to OR into DR6 */
	/* RF is saved as it stands: traps, and #DB of an instruction breakpoint. Other faults save
	 * it set. */
	bool keep_rf;
	/* Found when a transfer was done: it belongs to the new EIP (and task), where cpu is. */
	bool at_target;
	u8 rule; /* 1 + the rule of emu/dev/strict.def that was broken; 0: none */
};

struct cpu_stops {
	struct cpu_stop at[CPU_STOPS];
	u8 count;
	u8 codes;      /* of them of STOP_EXEC */
	u16 kinds;     /* that are there or are told, by bit */
	u16 told;      /* kinds of events that `tell` hears of */
	bool stepping; /* a repeated instruction ends behind each iteration */
	/* The exception that was met is let through, once. */
	bool pass_exception;
	u32 vectors; /* exceptions to stop at, by bit; and CPU_STRICT: broken rules are told */
	u64 filter;  /* of the addresses of STOP_EXEC, by their hash */
	/* Does this one count, of those that were met? NULL: all do. */
	bool (*holds)(struct cpu *cpu, u8 id);
	void *owner; /* holds()'s own */
	/* Hears of an event as cpu_stop_event() does; of an exception, number is the vector and
	 * cpu->fault has the rest. */
	void (*tell)(struct cpu *cpu, enum cpu_stop_kind kind, u32 number, u32 len, u8 ways);
	const struct dbg_symbols *symbols; /* for those who show addresses, or are given names */
	struct cpu_stopped stopped;
	/* The last event whose delivery failed, and what it failed with, in order. */
	struct cpu_fault chain[CPU_CHAIN];
	u8 chain_length;
	bool chain_of_interrupt; /* the first of them is a hardware interrupt */
};
