/* SPDX-License-Identifier: MIT */
/*
 * What raw_entry.asm defines.
 */
#pragma once

#include "arch/trap.h"

/* Does not return by itself: raw_unwind() with the rsp that it stored returns from it. rsp0
 * receives the trap stack. */
void raw_enter(const struct trap_frame *frame, u64 *unwind_rsp, void *rsp0);
void raw_unwind(u64 rsp) __attribute__((noreturn));
/* Indices as enum cpu_seg; CS and SS are ignored. */
void raw_load_segments(const u16 sel[6]);
void raw_read_segments(u16 sel[6]);
/* The instructions between these may fault on a guest's selector; the first is IRETQ. */
extern const u8 raw_entry_begin[], raw_entry_end[];
