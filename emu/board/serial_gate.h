/* SPDX-License-Identifier: MIT */
/*
 * Strict: on a PC's board the interrupt of a UART goes through a gate that its OUT2 opens
 * (emu/chip/uart16550.c). Here it is open always, so a kernel that forgets OUT2 works.
 */
#pragma once

#include "emu/dev/board_host.h"
#include "emu/dev/device.h"
#include "emu/dev/irq_or.h"

/* An interrupt of this vector has been acknowledged: tells of each UART with OUT2 clear whose wire
 * it is, if nobody else holds that wire up. */
void serial_gate_look(const struct device_set *devices, const struct irq_or *wires,
		      const struct board_host *host, u8 vector);
