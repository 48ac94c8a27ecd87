/* SPDX-License-Identifier: MIT */
#pragma once

/* Registers the shell commands about what the boot loader gave us. */
void boot_commands_init(void);
