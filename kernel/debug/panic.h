/* SPDX-License-Identifier: MIT */
/*
 * The monitor's last screen: what panic() and a trap that nobody wanted end in.
 */
#pragma once

#include "arch/trap/trap.h"

/* From now on. */
void panic_init(void);
/* Prints the rest of the screen, the VM's that ran: it may read only what stays readable in the
 * middle of any change. */
void panic_set_hook(void (*fn)(void));
/*
 * A debugger that listens beside the crash prompt. begin() is called once the screen is out, with
 * the registers of the mistake: of the trap, or of the call of panic() (vector PANIC_CALL).
 * listen() is called again and again. False: nobody is there.
 */
#define PANIC_CALL 256u
struct panic_debugger {
	void (*begin)(struct trap_frame *frame);
	bool (*listen)(void);
};
void panic_set_debugger(const struct panic_debugger *d);
/* Registers, and a backtrace with symbols if it was the monitor's code, on the console. */
void panic_dump(const struct trap_frame *frame);
