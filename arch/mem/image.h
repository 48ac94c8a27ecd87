/* SPDX-License-Identifier: MIT */
/*
 * Borders of the image, from boot/ringleader.ld. Page aligned.
 */
#pragma once

/* A function on the way to the monitor's own debugger, where a breakpoint would lead to itself. */
#define NO_BREAKPOINT __attribute__((noinline, section(".text.nobreak")))

extern const char image_text_start[], image_text_end[];
/* Part of the text: NO_BREAKPOINT. */
extern const char image_nobreak_start[], image_nobreak_end[];
/* Data on that way: a watchpoint there would be met before it is out of the way. Initialised. */
#define NO_WATCH __attribute__((section(".data.nowatch")))

extern const char image_nowatch_start[], image_nowatch_end[];
extern const char image_stacks_start[], image_stacks_end[]; /* all of them, arch/cpu/percpu.c */
extern const char image_rodata_start[], image_rodata_end[];
extern const char image_data_start[], image_data_end[]; /* .data and .bss */
