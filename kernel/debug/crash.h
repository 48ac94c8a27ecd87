/* SPDX-License-Identifier: MIT */
/*
 * The prompt after a panic: `crash>`. Interrupts are off, the serial line is polled, and nothing is
 * allocated. It has the shell's commands that only read (.crash in their rows) and some of its own
 * for the monitor's memory.
 */
#pragma once

#include "kernel/base/types.h"

/* Begins the prompt on a stack of its own, also out of a command of the prompt that has trapped.
 * Returns if no line can be read. again: prints the panic's screen once more. wait: called while
 * no key is typed. */
void crash_prompt(void (*again)(void), void (*wait)(void));
/* The prompt has begun: a trap now is its command's. */
bool crash_began(void);
