/* SPDX-License-Identifier: MIT */
/*
 * The prompt's commands that look into a VM, and change a register: regs, set, x, xp, disas, gdt,
 * ldt, idt, tss, pt, backtrace.
 */
#pragma once

struct dbg_out;

void see_commands_init(void);

/* Lines to the console. */
extern const struct dbg_out console_lines;
