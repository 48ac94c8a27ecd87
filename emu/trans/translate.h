/* SPDX-License-Identifier: MIT */
/*
 * One block from guest bytes to host code.
 */
#pragma once

#include "emu/block/recomp_internal.h"

/* Translates the block at cpu->eip in mode key. NULL: cpu->fault holds a fetch fault at the very
 * first byte. With flush_wanted or failed set the block is not whole. */
struct block *translate_block(struct trans *t, struct recomp *r, u32 key);
