/* SPDX-License-Identifier: MIT */
/*
 * gdb's remote protocol for one guest: bytes in, bytes out. Whoever carries the bytes, runs the
 * guest and stops it gives struct gdb_ops.
 *
 *   waiting   gdb has been answered, and the guest stands (or runs, if gdb has never spoken)
 *   running   gdb said go: the next thing that it hears is where the guest stopped
 *
 * Packets are $text#checksum, answered by + (until QStartNoAckMode); 03h alone is Ctrl-C. Whatever
 * comes, nothing but the guest can be harmed: lengths are bounded, and what is not understood is
 * answered by an empty packet.
 */
#pragma once

#include "emu/cpu/cpu.h"
#include "emu/cpu/stop.h"

#define GDB_PACKET 4096u /* bytes of text at most, either way */

enum gdb_stop { GDB_STOP_ASKED, GDB_STOP_STEP, GDB_STOP_FAULT, GDB_STOP_ENDED };

struct gdb_ops {
	void (*put)(void *ctx, const char *s, size_t n);
	/* Points of gdb's. 0 or an error. */
	int (*add)(void *ctx, const struct cpu_stop *stop);
	int (*remove)(void *ctx, const struct cpu_stop *stop);
	void (*forget_points)(void *ctx);
	/* On; one instruction; stand still (the guest does when this returns). */
	int (*go)(void *ctx);
	int (*step)(void *ctx);
	void (*stop)(void *ctx);
	/* gdb came, or went: the guest goes on. */
	void (*attached)(void *ctx, bool on);
	void (*kill)(void *ctx);
	/* Back to power-on; gdb_stub_stopped() when it stands in front of its first instruction. */
	int (*restart)(void *ctx);
	/* A line for the prompt; what it prints comes by gdb_stub_print(). NULL: there is none. */
	void (*command)(void *ctx, const char *line);
	/* cpu->fpu is to hold the FPU's state, or has been changed. */
	void (*fpu)(void *ctx, bool changed);
};

struct gdb_stub {
	const struct gdb_ops *ops;
	void *ctx;
	struct cpu *cpu;
	bool attached, running, no_ack, ended;
	bool interrupt; /* gdb may send Ctrl-C just in front of the packet that says go */
	/* Of the code, 16 or 32: when gdb asked for the description; when it was told. */
	unsigned described_bits, told_bits;
	enum { GDB_OUTSIDE, GDB_TEXT, GDB_SUM1, GDB_SUM2 } state;
	bool escaped, broken;
	u8 sum, sum_said;
	unsigned in; /* of text */
	char text[GDB_PACKET + 1];
	unsigned out;
	char answer[GDB_PACKET + 1];
};

void gdb_stub_init(struct gdb_stub *g, struct cpu *cpu, const struct gdb_ops *ops, void *ctx);
void gdb_stub_input(struct gdb_stub *g, u8 byte);
/* The guest has stopped. data: by a watchpoint of this kind and address, else NULL. */
void gdb_stub_stopped(struct gdb_stub *g, enum gdb_stop why, const struct cpu_stop *data);
/* Text for gdb's user, while a command runs. */
void gdb_stub_print(struct gdb_stub *g, const char *s, size_t n);
