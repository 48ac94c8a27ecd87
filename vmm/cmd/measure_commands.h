/* SPDX-License-Identifier: MIT */
/*
 * Commands that measure a VM.
 */
#pragma once

void measure_commands_init(void);
