/* SPDX-License-Identifier: MIT */
/*
 * The shell's commands for guests' keyboards and mice.
 */
#pragma once

void input_commands_init(void);
