/* SPDX-License-Identifier: MIT */
/*
 * The machine's COM1 as the monitor's console.
 */
#pragma once

/* Polled output from here on; nothing happens if there is no UART. */
void serial_port_init(void);
/* Input by interrupt; after irq_init(). */
void serial_port_enable_input(void);
