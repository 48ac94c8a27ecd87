/* SPDX-License-Identifier: MIT */
/*
 * Registers the shell's commands for saved machines: save, load, snapshot.
 */
#pragma once

void snap_commands_init(void);
