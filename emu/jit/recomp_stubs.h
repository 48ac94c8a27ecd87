/* SPDX-License-Identifier: MIT */
/*
 * The pieces of host code that every block shares: the way in, the ways out, calls of C.
 */
#pragma once

#include "emu/jit/recomp_internal.h"

/* The C functions of emu/jit/recomp_slow.h. */
struct stub_targets {
	const void *hard, *segment, *slow_read, *slow_write;
};

/* Writes the stubs into the first page of the cache and notes their addresses. */
void recomp_emit_stubs(struct recomp *r, const struct stub_targets *to);

/* --- stub_segment.c */

/* Makes the stub that loads seg from R8 without C, and, pop, then moves ESP by 4. Returns its
 * address. */
u64 stub_segment_emit(struct emit *e, const struct recomp *r, enum cpu_seg seg, bool pop);
/* The class that a block must expect of seg to use it. */
enum seg_class stub_segment_class(unsigned seg);
/* A load of seg was done in C, the mode key is known: the stub may do it again. */
void stub_segment_note(struct recomp *r, enum cpu_seg seg);
