/* SPDX-License-Identifier: MIT */
/*
 * The prompt's commands about what the boot loader gave us: modules and the memory map.
 */
#pragma once

/* Registers the shell commands about what the boot loader gave us. */
void boot_commands_init(void);
