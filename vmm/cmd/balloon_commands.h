/* SPDX-License-Identifier: MIT */
/*
 * The shell's command for a VM's balloon.
 */
#pragma once

void balloon_commands_init(void);
