/* SPDX-License-Identifier: MIT */
#pragma once

/* Registers the shell commands of kernel/ itself. */
void commands_init(void);
