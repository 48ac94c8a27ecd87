/* SPDX-License-Identifier: MIT */
/*
 * The A20 gate: address line 20 is on while any of its sources holds it on.
 */
#pragma once

#include "kernel/base/types.h"

#define A20_KBC	 BIT(0) /* the keyboard controller's output port; on at power-on */
#define A20_FAST BIT(1) /* port 92h */

struct a20_gate {
	u8 held; /* A20_* */
	void (*out)(void *ctx, bool on);
	void *ctx;
};

static inline void a20_set(struct a20_gate *g, u8 source, bool on)
{
	u8 before = g->held;

	g->held = (u8)(on ? before | source : before & ~source);
	if (!before != !g->held)
		g->out(g->ctx, on);
}
