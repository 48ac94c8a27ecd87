/* SPDX-License-Identifier: MIT */
/*
 * 16550A at COM1, 115200 baud, 8N1. PC16550D data sheet.
 *
 * Output is polled: one look at the line status register per 16 bytes, since each is an exit when a
 * hypervisor runs below us. A transmitter that does not empty within TX_SPINS looks is taken for
 * dead until it does.
 */
#include "drivers/serial_port.h"

#include "arch/processor.h"
#include "arch/irq.h"
#include "kernel/base/log.h"
#include "kernel/console.h"

#define PORT	 0x3f8
#define IRQ	 4
#define FIFO	 16u
#define TX_SPINS 1000000u

#define REG_DATA    0
#define REG_IER	    1
#define REG_FCR	    2
#define REG_IIR	    2
#define REG_LCR	    3
#define REG_MCR	    4
#define REG_LSR	    5
#define REG_MSR	    6
#define REG_SCRATCH 7

#define LSR_DATA  BIT(0)
#define LSR_BREAK BIT(4)
#define LSR_THRE  BIT(5)

static unsigned room; /* in the transmit FIFO, as far as we know */
static unsigned fifo = 1;

static void put(u8 byte)
{
	if (!room) {
		for (unsigned spins = 0; !(inb(PORT + REG_LSR) & LSR_THRE); spins++)
			if (spins == TX_SPINS)
				return;
		room = fifo;
	}
	outb(PORT + REG_DATA, byte);
	room--;
}

static void write(const char *s, size_t n, bool cooked)
{
	for (; n; n--, s++) {
		if (cooked && *s == '\n')
			put('\r');
		put((u8)*s);
	}
}

void serial_port_init(void)
{
	outb(PORT + REG_SCRATCH, 0x5a);
	if (inb(PORT + REG_SCRATCH) != 0x5a || inb(PORT + REG_LSR) == 0xff)
		return;
	outb(PORT + REG_IER, 0);
	outb(PORT + REG_LCR, 0x80); /* divisor latch */
	outb(PORT + REG_DATA, 1);
	outb(PORT + REG_IER, 0);
	outb(PORT + REG_LCR, 3);
	outb(PORT + REG_FCR, 0x47); /* on, both emptied, interrupt at 4 bytes or after a pause */
	outb(PORT + REG_MCR, 0x0b); /* DTR, RTS, OUT2: the interrupt's gate */
	if ((inb(PORT + REG_IIR) & 0xc0) == 0xc0)
		fifo = FIFO;
	console_attach(CONSOLE_SERIAL, write, false);
}

static void interrupt(void *ctx)
{
	u8 status;

	(void)ctx;
	while ((status = inb(PORT + REG_LSR)) & (LSR_DATA | LSR_BREAK) && status != 0xff) {
		u8 byte = inb(PORT + REG_DATA);

		/* BREAK comes with a NUL. */
		if (status & LSR_BREAK)
			console_input_break();
		else
			console_input(byte);
	}
	(void)inb(PORT + REG_IIR);
	(void)inb(PORT + REG_MSR);
}

void serial_port_enable_input(void)
{
	if (inb(PORT + REG_LSR) == 0xff)
		return;
	if (irq_register(IRQ, interrupt, NULL)) {
		log_warn("serial: no interrupt line: no input from COM1");
		return;
	}
	while (inb(PORT + REG_LSR) & LSR_DATA)
		(void)inb(PORT + REG_DATA);
	outb(PORT + REG_IER, 5); /* received data, line status */
}
