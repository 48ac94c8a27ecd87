/* SPDX-License-Identifier: MIT */
/*
 * COM2 as a line of its own (kernel/console/line.h).
 */
#pragma once

/* Offers it, if the machine has it. */
void second_port_init(void);
