/* SPDX-License-Identifier: MIT */
/*
 * The end. Implemented by drivers/acpi/machine_power.c.
 *
 * With `debug-exit` on the command line the machine is QEMU with isa-debug-exit at port 501h:
 * power_off() then leaves with the status code (QEMU's exit status is 2 * code + 1), and so does a
 * panic, with POWER_STATUS_PANIC.
 */
#pragma once

#include "kernel/base/types.h"

#define POWER_STATUS_OK	   0x10u /* QEMU exits with 33 */
#define POWER_STATUS_PANIC 0x11u /* 35 */

void power_off(void) __attribute__((noreturn));
void power_reboot(void) __attribute__((noreturn));
void power_halt(void) __attribute__((noreturn));
/* What power_off() tells by debug-exit; a test guest's verdict, for example. */
void power_set_status(u8 code);
/* After a panic: debug-exit, or what `panic=halt|reboot|poweroff` says; halt by default. */
void power_after_panic(void) __attribute__((noreturn));
