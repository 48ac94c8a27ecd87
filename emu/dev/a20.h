/* SPDX-License-Identifier: MIT */
/*
 * The A20 gate: bit 1 of port 92h and bit 1 of the keyboard controller's output port, of which each
 * shows what was written last to either. In a PIIX3 each holds the line on by itself, and a BIOS
 * leaves one of them off. SeaBIOS does not: it switches port 92h, the controller would hold the
 * line on for ever, and no program could switch A20 off. With one bit for both SeaBIOS also sees
 * where the line is before it enters protected mode.
 */
#pragma once

#include "kernel/base/types.h"

#define A20_KBC	 BIT(0) /* the keyboard controller's output port */
#define A20_FAST BIT(1) /* port 92h */

struct a20_gate {
	u8 held; /* A20_*: both or none, but in machines saved by versions that kept them apart */
	void (*out)(void *ctx, bool on);
	void *ctx;
};

static inline void a20_hold(struct a20_gate *g, u8 held)
{
	bool before = g->held;

	g->held = held;
	if (before != (held != 0))
		g->out(g->ctx, held != 0);
}

static inline void a20_set(struct a20_gate *g, bool on)
{
	a20_hold(g, on ? A20_KBC | A20_FAST : 0);
}

/* The bit of one source in a saved machine. */
static inline void a20_load(struct a20_gate *g, u8 source, bool on)
{
	a20_hold(g, (u8)(on ? g->held | source : g->held & ~source));
}
