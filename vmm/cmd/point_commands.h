/* SPDX-License-Identifier: MIT */
/*
 * Commands that say where a VM is to stop, and what is to be done there.
 */
#pragma once

void point_commands_init(void);
