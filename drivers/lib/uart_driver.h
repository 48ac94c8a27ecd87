/* SPDX-License-Identifier: MIT */
/*
 * Driver of a 16550A as a console line (PC16550D data sheet). Pure: registers and the rest of the
 * monitor are reached through callbacks. drivers/char/serial_port.c binds it to COM1,
 * drivers/char/serial_lines.c to the others.
 *
 * Output goes through a queue, which the transmitter-empty interrupt empties, so that nobody waits
 * for a slow line until the queue is full. Where an emulator's line takes everything at once, the
 * queue is empty again when a write returns, and no interrupt is used.
 *
 * Input that nobody takes is held back in three steps: RTS falls (and XOFF is sent) while there is
 * still room for what a slow sender has on its way; then the received-data interrupt is masked and
 * bytes stay in the FIFO, where an emulated line (QEMU's) stops its sender; a sender that looks at
 * none of these overruns the FIFO. RTS rises (and XON is sent) when the input was taken.
 *
 * Contexts: every function but uart_driver_write_now() is called with interrupts off and never from
 * an NMI. uart_driver_write_now() may interrupt any of the others at any place: it shares nothing
 * with them but the transmitter, which it leaves empty.
 */
#pragma once

#include "kernel/lib/byte_ring.h"
#include "kernel/console/console.h"

struct uart_driver;

struct uart_ops {
	u8 (*in)(struct uart_driver *u, unsigned reg);
	void (*out)(struct uart_driver *u, unsigned reg, u8 value);
	/* Input: a byte; the BREAK condition; how many more bytes would be taken now. */
	void (*input)(struct uart_driver *u, u8 byte);
	void (*input_break)(struct uart_driver *u);
	u32 (*input_room)(struct uart_driver *u);
};

struct uart_driver {
	const struct uart_ops *ops;
	struct byte_ring queue; /* of output */
	unsigned fifo;		/* bytes that an empty transmitter takes */
	unsigned room;		/* of which so many are left, as far as we know */
	u8 ier, mcr;
	u8 seen; /* LSR's break and overrun bits, which any reader of LSR clears */
	enum console_flow flow;
	u8 xchar;	   /* XON or XOFF to be sent next, 0: none */
	bool interrupts;   /* the line has one; without, each write waits for its end */
	bool dead;	   /* the transmitter did not empty in TX_SPINS looks */
	bool peer_xoff;	   /* the other side asked for silence */
	bool slow, held;   /* steps one and two of holding back */
	bool nul_expected; /* the NUL that comes with a BREAK */
	u64 lost;	   /* bytes of output that a dead transmitter did not take */
};

/* Programs the UART to 115200 baud, 8N1; false if there is none. queue: memory for the output, a
 * power of two. */
bool uart_driver_init(struct uart_driver *u, const struct uart_ops *ops, u8 *queue, u32 size);
/* The interrupt line is connected: input, and output in the background, from here on. */
void uart_driver_enable(struct uart_driver *u);
void uart_driver_set_flow(struct uart_driver *u, enum console_flow flow);
void uart_driver_interrupt(struct uart_driver *u);
/* Does it drive its interrupt line? Who asks serves it then. */
bool uart_driver_asks(struct uart_driver *u);

void uart_driver_write(struct uart_driver *u, const char *s, size_t n, bool cooked);
/* Sends what has been queued, as far as the transmitter takes it without waiting. */
void uart_driver_poll(struct uart_driver *u);
/* Waits until everything is sent, or the transmitter is dead. */
void uart_driver_flush(struct uart_driver *u);
/* Past the queue, polled. */
void uart_driver_write_now(struct uart_driver *u, const char *s, size_t n, bool cooked);

/* The next byte that was received, or -1. After a panic: interrupts stay off. */
int uart_driver_read_now(struct uart_driver *u);

/* Input was taken: input_room() has grown. */
void uart_driver_input_taken(struct uart_driver *u);
