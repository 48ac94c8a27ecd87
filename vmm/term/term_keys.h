/* SPDX-License-Identifier: MIT */
/*
 * What a terminal sends for keys, turned into strokes of a US keyboard. Pure.
 *
 * Understood: characters; control characters as Ctrl; ESC before one as Alt; the sequences of
 * xterm, VT220, rxvt and the Linux console for arrows, Home, End, Insert, Delete, Page Up and Down,
 * F1 to F12, with xterm's parameter for Shift, Alt and Ctrl. What no key stands for is dropped.
 */
#pragma once

#include "kernel/base/types.h"

#define TERM_KEYS_MOST 4u /* of one stroke: Ctrl, Alt, Shift and a key */

struct term_keys {
	void (*stroke)(void *ctx, const u8 *keys, unsigned n);
	/* The terminal said where its cursor is, as ESC [ 6 n asks. In the first row it would be a
	 * key, F3 with Shift and its like, which sends the same. */
	void (*place)(void *ctx, u32 row, u32 column);
	void *ctx;
	enum { TERM_PLAIN, TERM_ESC, TERM_CSI, TERM_SS3, TERM_LINUX } state;
	bool foreign; /* of a sequence: it stands for no key */
	bool alt;     /* an ESC more stands before the sequence */
	u32 parameter[2], parameters;
};

void term_keys_byte(struct term_keys *t, u8 byte);
/* Nothing came for a while: what was begun is whole. ESC alone is the key Esc. */
void term_keys_idle(struct term_keys *t);
static inline bool term_keys_pending(const struct term_keys *t)
{
	return t->state != TERM_PLAIN;
}
