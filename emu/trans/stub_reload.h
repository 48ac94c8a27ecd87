/* SPDX-License-Identifier: MIT */
/*
 * Loads of DS and ES that may change the mode, without C (docs/recompiler.md).
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* Makes the stub that loads seg, DS or ES, from R8, and then moves ESP by R11. Its address. */
u64 stub_reload_emit(struct emit *e, const struct recomp *r, enum cpu_seg seg);
/* A load of seg was done in C under the tag `from`; r->mode and r->tag are what came of it: the
 * stub may do it again. */
void stub_reload_note(struct recomp *r, enum cpu_seg seg, u64 from);
