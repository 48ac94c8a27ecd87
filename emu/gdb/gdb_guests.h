/* SPDX-License-Identifier: MIT */
/*
 * The guests at one line. To gdb each is a process of one thread, with a number from 1 on: `p2.1`
 * is the thread of the second. A gdb that does not know processes (no multiprocess+) sees the first
 * guest only, as thread 1.
 *
 *   attached   gdb has it: it stands, or gdb said go. A gdb that comes has the first guest, and
 *              asks for others (vAttach)
 *   running    gdb said go
 *
 * All guests of gdb's stand when one of them has stopped and gdb is told, once for each go.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/cpu/stop.h"
#include "emu/gdb/gdb_packet.h"
#include "kernel/base/list.h"

enum gdb_stop { GDB_STOP_ASKED, GDB_STOP_STEP, GDB_STOP_FAULT, GDB_STOP_ENDED };

enum gdb_does { GDB_STANDS, GDB_GOES, GDB_STEPS };

struct gdb_guest {
	struct list link;
	struct cpu *cpu;
	const char *name;
	u32 pid;
	bool attached, running, ended;
	/* Of the code, 16 or 32: when gdb asked for the description; when it was told. */
	unsigned described_bits, told_bits;
	enum gdb_does does; /* by the packet that is being read */
};

struct gdb_ops {
	void (*put)(void *ctx, const char *s, size_t n);
	/* Points of gdb's. 0 or an error. */
	int (*add)(struct gdb_guest *t, const struct cpu_stop *stop);
	int (*remove)(struct gdb_guest *t, const struct cpu_stop *stop);
	void (*forget_points)(struct gdb_guest *t);
	/* On; one instruction. gdb_guest_stopped() tells the end. */
	int (*go)(struct gdb_guest *t);
	int (*step)(struct gdb_guest *t);
	/* Stand still: gdb_guest_stopped() comes before this returns, or when the guest has come to
	 * its first instruction. */
	void (*stop)(struct gdb_guest *t);
	/* gdb came, or went: the guest goes on. */
	void (*attached)(struct gdb_guest *t, bool on);
	void (*kill)(struct gdb_guest *t);
	/* Back to power-on; gdb_guest_stopped() when it stands in front of its first
	 * instruction. */
	int (*restart)(struct gdb_guest *t);
	/* A line for the prompt, which is about this guest (NULL: none); what it prints comes by
	 * gdb_print(). NULL: there is no prompt. */
	void (*command)(void *ctx, struct gdb_guest *t, const char *line);
	/* cpu->fpu is to hold the FPU's state, or has been changed. */
	void (*fpu)(struct gdb_guest *t, bool changed);
};

struct gdb_stub {
	const struct gdb_ops *ops;
	void *ctx;
	struct gdb_packet packet;
	struct list guests;
	u32 pids;	/* given out */
	bool multi;	/* gdb knows processes */
	bool swbreak;	/* gdb is told of breakpoints, and does not guess them from EIP */
	bool here;	/* gdb has come, and not gone */
	bool going;	/* gdb waits to be told of a stop */
	bool attaching; /* which will be that of vAttach */
	bool interrupt; /* gdb may send Ctrl-C just in front of the packet that says go */
	/* What registers and memory are of, and who is to go on (NULL: all); attached or not. */
	struct gdb_guest *at, *goes;
};

void gdb_guest_add(struct gdb_stub *g, struct gdb_guest *t, struct cpu *cpu, const char *name);
/* It is no more. */
void gdb_guest_remove(struct gdb_stub *g, struct gdb_guest *t);
/* It has stopped. met: by a breakpoint of gdb's, or a watchpoint of this kind and address, else
 * NULL. */
void gdb_guest_stopped(struct gdb_stub *g, struct gdb_guest *t, enum gdb_stop why,
		       const struct cpu_stop *met);

/* --- For the packets */

/* The one that registers and memory are of; NULL: gdb has none. */
struct gdb_guest *gdb_guest_at(const struct gdb_stub *g);
/* A new gdb: `here` from now on, with the first guest, whatever another has left. */
void gdb_guests_begin(struct gdb_stub *g);
/* It has gone, and every guest goes on. */
void gdb_guests_detach(struct gdb_stub *g);
/* All that run shall stand; gdb is told of one. */
void gdb_guests_stop(struct gdb_stub *g);
/* The answer to `?`. */
void gdb_guests_why(struct gdb_stub *g);

/* Packets by their letters, from the arguments on; each is answered. */
void gdb_guests_select(struct gdb_stub *g, const char *s);   /* H */
void gdb_guests_alive(struct gdb_stub *g, const char *s);    /* T */
void gdb_guests_go(struct gdb_stub *g, bool step);	     /* c, s */
void gdb_guests_continue(struct gdb_stub *g, const char *s); /* vCont; */
void gdb_guests_attach(struct gdb_stub *g, const char *s);   /* vAttach; */
void gdb_guests_leave(struct gdb_stub *g, const char *s);    /* D, D;pid */
void gdb_guests_kill(struct gdb_stub *g, const char *s);     /* k, vKill;pid */
void gdb_guests_restart(struct gdb_stub *g);		     /* vRun */
void gdb_guests_list(struct gdb_stub *g);		     /* qfThreadInfo */
void gdb_guests_current(struct gdb_stub *g);		     /* qC */
void gdb_guests_about(struct gdb_stub *g, const char *s);    /* qThreadExtraInfo, */
