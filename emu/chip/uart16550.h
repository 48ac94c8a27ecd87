/* SPDX-License-Identifier: MIT */
/*
 * The 16550A UART (National Semiconductor PC16550D data sheet), one per serial port.
 *
 * Transmission takes no time while the outside keeps up: a byte written to THR is on the wire at
 * once and THR is empty again, so a driver that fills 16 bytes per interrupt, or polls LSR, is not
 * kept waiting. When the outside says that it does not, THR and the transmitter stay full until it
 * does: the driver waits as for a slow line. What it still writes is not lost.
 *
 * Reception is paced by the outside, which is refused when the FIFO is full, while loopback cuts
 * the wire, and, on a line with all its wires, while RTS is off. An overrun can only happen in
 * loopback.
 */
#pragma once

#include "emu/dev/device.h"

#define UART_FIFO 16

struct uart16550 {
	u8 ier, lcr, mcr, scratch, fcr;
	u8 lsr_errors; /* OE PE FE BI as reading LSR would show and clear them */
	u8 modem;      /* outside inputs: MSR bits 4..7 */
	u8 msr_delta;  /* MSR bits 0..3 */
	u16 divisor;
	u8 data[UART_FIFO], errors[UART_FIFO]; /* errors: LSR bits that came with the byte */
	unsigned head, used;
	bool thre_pending; /* transmitter-empty interrupt not yet acknowledged */
	bool timeout;	   /* bytes lie in the FIFO and nothing happened for four characters */
	bool level;	   /* of irq */
	bool tx_busy;	   /* the outside has not taken what was written */
	bool rts_wired;	   /* the outside waits for RTS */
	struct vtimers *timers;
	struct vtimer timer;
	struct irq_line irq;
	const struct board_host *host;
	u8 unit; /* which line it is to the host */
	u64 overruns;
};

extern const struct device_class uart16550_class;
/* Which interrupt it asks for: IIR_* without the FIFO's bits (kernel/hw/ns16550_regs.h). */
u8 uart16550_interrupt_id(const struct uart16550 *u);
/* A byte arrives; false: no room, offer it again. */
bool uart16550_rx(struct uart16550 *u, u8 byte);
/* The outside, which refused a byte (board_host.serial_tx), takes the next one. */
void uart16550_tx_ready(struct uart16550 *u);
void uart16550_break(struct uart16550 *u);
/* Modem inputs change: MSR bits 4..7, CTS DSR RI DCD. */
void uart16550_modem(struct uart16550 *u, u8 inputs);
