/* SPDX-License-Identifier: MIT */
/*
 * Commands that act on a VM as its hardware would, or change how it is run.
 */
#pragma once

void change_commands_init(void);
