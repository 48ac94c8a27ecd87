/* SPDX-License-Identifier: MIT */
/*
 * The prompt's commands about the machine itself: log, memory, processor, power.
 */
#pragma once

/* Registers the shell commands of kernel/ itself. */
void commands_init(void);
