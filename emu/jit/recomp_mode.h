/* SPDX-License-Identifier: MIT */
/*
 * The mode key of blocks and the tag of look-up entries.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* The mode key that the processor's state asks for. */
u32 recomp_mode(struct recomp *r);
/* The same where only this segment register was loaded since it was asked last. */
u32 recomp_mode_segment(struct recomp *r, unsigned seg);
/* Translated code will be looked for in this mode: its tag and view. False: an event is to be taken
 * first. */
bool recomp_seek(struct recomp *r, u32 key);
/*
 * An instruction in C that transferred control is done, and nothing asks for the dispatcher:
 * translated code goes on at r->go_on, which the look-up table has. False: it is left.
 */
bool recomp_go_on(struct recomp *r);
/* The same behind a change of level. */
bool recomp_go_on_changed(struct recomp *r);
/* The same behind the load of a segment that made the mode another, at the same level. */
bool recomp_go_on_as(struct recomp *r, u32 key);
/*
 * In the shadow of STI or of a load of SS: is there nothing that waits for its end? Then the next
 * instruction need not run alone. What comes meanwhile finds it marked (block_hold_events()).
 */
bool recomp_shadow_is_quiet(const struct recomp *r) __attribute__((cold));
/* The tag of look-up entries in this mode, under this mapping, from this code segment. */
u64 recomp_tag(struct recomp *r, u32 key);
