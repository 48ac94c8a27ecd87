/* SPDX-License-Identifier: MIT */
/*
 * Code segments of real and V86 mode, which are no more than a selector and 16 times it: far
 * transfers to another that translated code does without C.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* Emits r->go_far. */
void stub_real_emit(struct emit *e, struct recomp *r);
/* A number was found for CS as it is, in this mode: go_far finds it again. */
void stub_real_note_tag(struct recomp *r, u32 key);
/* All numbers are void. */
void stub_real_forget(struct recomp *r);
