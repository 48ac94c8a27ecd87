/* SPDX-License-Identifier: MIT */
/*
 * gdb's remote protocol for the processor that the monitor runs on: one thread of x86-64. Bytes in,
 * bytes out, as emu/gdb/gdb_stub.h for guests.
 *
 *     gdb_host_input()    takes a byte at any time. It says when the processor is to stand
 *     gdb_host_stands()   the processor stands: gdb is told, if it waits for that
 *     gdb_host_answer()   answers what has come, and says what the processor does next
 *
 * A packet that has come is not looked at before gdb_host_answer(), so bytes may be taken in an
 * interrupt. The next byte may be given only then.
 */
#pragma once

#include "emu/gdb/gdb_packet.h"

/* Registers by gdb's numbers (its feature org.gnu.gdb.i386.core), and control registers behind
 * them. The x87's are never there: they are a guest's. */
enum gdb_host_reg {
	GDB_HOST_RAX,
	GDB_HOST_RCX = 2,
	GDB_HOST_RBP = 6,
	GDB_HOST_RSP,
	GDB_HOST_R8,
	GDB_HOST_RIP = 16,
	GDB_HOST_RFLAGS,
	GDB_HOST_CS, /* SS DS ES FS GS */
	GDB_HOST_ST0 = 24,
	GDB_HOST_CR0 = 40, /* CR2 CR3 CR4 */
	GDB_HOST_REGS = 44
};

#define GDB_HOST_INT  2u /* signals: Ctrl-C */
#define GDB_HOST_ILL  4u
#define GDB_HOST_TRAP 5u
#define GDB_HOST_ABRT 6u
#define GDB_HOST_FPE  8u
#define GDB_HOST_SEGV 11u

#define GDB_HOST_WRITE	2u /* kinds of watchpoints, as in gdb's packets */
#define GDB_HOST_ACCESS 4u

struct gdb_host_watch {
	hva_t at;
	u8 kind; /* 0: none */
};

enum gdb_host_does { GDB_HOST_STANDS, GDB_HOST_GOES, GDB_HOST_STEPS };

struct gdb_host_ops {
	void (*put)(void *ctx, const char *s, size_t n);
	/* How many bytes from at on could be read, n at most. */
	size_t (*read)(hva_t at, u8 *bytes, size_t n);
	bool (*write)(hva_t at, const u8 *bytes, size_t n);
	/* A breakpoint of gdb's. False: there can be none, or there is none. */
	bool (*point)(hva_t at, bool set);
	/* A watchpoint on writes, or on reads, too. False: there can be none, or there is none. */
	bool (*watch)(hva_t at, u32 len, bool reads, bool set);
	void (*forget_points)(void);
	/* A line for the prompt; what it prints comes by gdb_print(). */
	void (*command)(void *ctx, const char *line);
};

struct gdb_host {
	const struct gdb_host_ops *ops;
	void *ctx;
	struct gdb_packet packet;
	u64 reg[GDB_HOST_REGS];	       /* while it stands */
	unsigned signal;	       /* what it stands for */
	bool here;		       /* gdb has come, and not gone */
	bool going;		       /* gdb waits to be told of a stop */
	bool pending;		       /* a packet waits for its answer */
	bool interrupt;		       /* Ctrl-C has come */
	bool at_point;		       /* it stands for a breakpoint of gdb's */
	struct gdb_host_watch watched; /* or for a watchpoint */
	enum gdb_host_does does;       /* by the packet that is being read */
};

void gdb_host_init(struct gdb_host *g, const struct gdb_host_ops *ops, void *ctx);
/* True: the processor is to stand, and gdb_host_answer() is to be called. */
bool gdb_host_input(struct gdb_host *g, u8 byte);
/* Its registers are in g->reg; g->at_point and g->watched say what it has met. */
void gdb_host_stands(struct gdb_host *g, unsigned signal);
/* The processor stands. Registers may have been written. */
enum gdb_host_does gdb_host_answer(struct gdb_host *g);
