/* SPDX-License-Identifier: MIT */
/*
 * What raw_entry.asm defines.
 */
#pragma once

#include "arch/trap/trap.h"

/* Does not return by itself: raw_unwind() with the rsp that it stored returns from it. rsp0
 * receives the trap stack. */
void raw_enter(const struct trap_frame *frame, const u32 gpr[8], u64 *unwind_rsp, void *rsp0);
void raw_unwind(u64 rsp) __attribute__((noreturn));
/* ES, DS, FS, GS, from the low word up. */
void raw_load_segments(u64 sel);
u64 raw_read_segments(void);
/* The instructions between these may fault on a guest's selector; the first is IRETQ. */
extern const u8 raw_entry_begin[], raw_entry_end[];
