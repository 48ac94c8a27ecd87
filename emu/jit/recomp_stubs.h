/* SPDX-License-Identifier: MIT */
/*
 * The pieces of host code that every block shares: the way in, the ways out, calls of C.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* The C functions of emu/jit/recomp_slow.h, _memory.h, _stop.h and _loop.h. */
struct stub_targets {
	const void *hard, *iret, *segment, *slow_read, *slow_write, *slow_store, *stop, *loop;
};

/* Writes the stubs into the first pages of the cache and notes their addresses. */
void recomp_emit_stubs(struct recomp *r, const struct stub_targets *to);
