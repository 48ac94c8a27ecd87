/* SPDX-License-Identifier: MIT */
/*
 * The end of the machine. A driver says how this one is turned off (power_register()); without one
 * it is halted, or reset by a triple fault.
 *
 * With `debug-exit` on the command line the machine is QEMU with isa-debug-exit at port 501h:
 * power_off() then leaves with the status code (QEMU's exit status is 2 * code + 1), and so does a
 * panic, with POWER_STATUS_PANIC.
 */
#pragma once

#include "kernel/base/types.h"

#define POWER_STATUS_OK	   0x10u /* QEMU exits with 33 */
#define POWER_STATUS_PANIC 0x11u /* 35 */

/* Each returns if it has not worked. Called with interrupts off, from a panic too. */
struct power_ops {
	void (*off)(void);
	void (*reboot)(void);
};
void power_register(const struct power_ops *ops);

void power_off(void) __attribute__((noreturn));
void power_reboot(void) __attribute__((noreturn));
void power_halt(void) __attribute__((noreturn));
/* After a panic without a prompt: debug-exit, or what `panic=halt|reboot|poweroff` says; halt by
 * default. */
void power_after_panic(void) __attribute__((noreturn));
