/* SPDX-License-Identifier: MIT */
/*
 * COM2 to COM4 as lines of their own (kernel/console/line.h).
 */
#pragma once

/* Offers those that the machine has. */
void serial_lines_init(void);
