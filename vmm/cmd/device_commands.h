/* SPDX-License-Identifier: MIT */
/*
 * Commands that show a VM's devices, its interrupts and where its memory is; and that look for
 * bytes there.
 */
#pragma once

void device_commands_init(void);
