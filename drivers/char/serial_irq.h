/* SPDX-License-Identifier: MIT */
/*
 * Interrupt lines of serial ports: COM1 and COM3 have one, COM2 and COM4 another.
 */
#pragma once

#include "kernel/base/list.h"
#include "drivers/lib/uart_driver.h"

struct serial_irq {
	struct list link;
	struct uart_driver *uart;
};

/* The port is served from now on. 0, or what irq_register() says. */
int serial_irq_share(unsigned irq, struct serial_irq *s, struct uart_driver *uart);
