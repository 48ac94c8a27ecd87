/* SPDX-License-Identifier: MIT */
/*
 * Shell commands for guests' screens.
 */
#pragma once

void screen_commands_init(void);
