/* SPDX-License-Identifier: MIT */
/*
 * Loads of DS, ES, FS and GS that translated code does without C (docs/recompiler.md).
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* Makes the stub that loads seg from R8 without C, and, pop, then moves ESP by 4. Returns its
 * address. */
u64 stub_segment_emit(struct emit *e, const struct recomp *r, enum cpu_seg seg, bool pop);
/* The class that a block must expect of seg to use it. */
enum seg_class stub_segment_class(unsigned seg);
/* A load of seg was done in C, the mode key is known: the stub may do it again. */
void stub_segment_note(struct recomp *r, enum cpu_seg seg);
