/* SPDX-License-Identifier: MIT */
/*
 * The driver of drivers/lib/uart_driver.c at COM2. Everything runs with interrupts off for as long
 * as it touches the driver.
 */
#include "drivers/char/second_port.h"

#include "arch/cpu/processor.h"
#include "arch/trap/irq.h"
#include "drivers/lib/uart_driver.h"
#include "kernel/console/line.h"
#include "kernel/hw/ns16550_regs.h"

static struct uart_driver uart;
static struct line line;
static u8 queue[32 * KiB];

static u8 port_in(unsigned reg)
{
	return inb((u16)(COM2_PORT + reg));
}

static void port_out(unsigned reg, u8 value)
{
	outb((u16)(COM2_PORT + reg), value);
}

static void input(u8 byte)
{
	line_input(&line, byte);
}

static void input_break(void)
{
}

static u32 input_room(void)
{
	return ring_room(&line.input);
}

static const struct uart_ops ops = { .in = port_in,
				     .out = port_out,
				     .input = input,
				     .input_break = input_break,
				     .input_room = input_room };

static void interrupt(void *ctx)
{
	(void)ctx;
	uart_driver_interrupt(&uart);
}

static int start(void)
{
	int err = irq_register(COM2_IRQ, interrupt, NULL);
	u64 flags;

	if (err)
		return err;
	flags = irq_save();
	uart_driver_enable(&uart);
	irq_restore(flags);
	return 0;
}

static void write(const char *s, size_t n)
{
	u64 flags = irq_save();

	uart_driver_write(&uart, s, n, false);
	irq_restore(flags);
}

static void taken(void)
{
	u64 flags = irq_save();

	uart_driver_input_taken(&uart);
	irq_restore(flags);
}

void second_port_init(void)
{
	if (!uart_driver_init(&uart, &ops, queue, sizeof(queue)))
		return;
	line.name = "com2";
	line.start = start;
	line.write = write;
	line.taken = taken;
	line_register(&line);
}
