/* SPDX-License-Identifier: MIT */
/*
 * The machine's COM1 as the monitor's console, 115200 baud, 8N1; or, where the console is not
 * there, as the line "com1" (kernel/console/line.h).
 */
#pragma once

/* Polled output from here on; nothing happens if there is no UART. */
void serial_port_init(void);
/* Input, and output in the background, by interrupt; after irq_init(). */
void serial_port_enable_input(void);
