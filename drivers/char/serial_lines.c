/* SPDX-License-Identifier: MIT */
/*
 * The driver of drivers/lib/uart_driver.c at the ports that are not the console's. Everything runs
 * with interrupts off for as long as it touches the driver.
 */
#include "drivers/char/serial_lines.h"

#include "arch/cpu/processor.h"
#include "drivers/char/serial_irq.h"
#include "drivers/lib/uart_driver.h"
#include "kernel/base/string.h"
#include "kernel/console/line.h"
#include "kernel/hw/ns16550_regs.h"

struct port {
	const char *name;
	u16 port;
	u8 irq;
	struct serial_irq sharer;
	struct uart_driver uart;
	struct line line;
	u8 queue[32 * KiB];
};

static struct port ports[] = {
	{ .name = "com2", .port = COM2_PORT, .irq = COM2_IRQ },
	{ .name = "com3", .port = COM3_PORT, .irq = COM3_IRQ },
	{ .name = "com4", .port = COM4_PORT, .irq = COM4_IRQ },
};

static struct port *port_of(struct uart_driver *u)
{
	return container_of(u, struct port, uart);
}

static u8 port_in(struct uart_driver *u, unsigned reg)
{
	return inb((u16)(port_of(u)->port + reg));
}

static void port_out(struct uart_driver *u, unsigned reg, u8 value)
{
	outb((u16)(port_of(u)->port + reg), value);
}

static void input(struct uart_driver *u, u8 byte)
{
	line_input(&port_of(u)->line, byte);
}

static void input_break(struct uart_driver *u)
{
	(void)u;
}

static u32 input_room(struct uart_driver *u)
{
	return ring_room(&port_of(u)->line.input);
}

static const struct uart_ops ops = { .in = port_in,
				     .out = port_out,
				     .input = input,
				     .input_break = input_break,
				     .input_room = input_room };

static int start(struct line *line)
{
	struct port *p = container_of(line, struct port, line);
	int err = serial_irq_share(p->irq, &p->sharer, &p->uart);
	u64 flags;

	if (err)
		return err;
	flags = irq_save();
	uart_driver_enable(&p->uart);
	irq_restore(flags);
	return 0;
}

static void write(struct line *line, const char *s, size_t n)
{
	u64 flags = irq_save();

	uart_driver_write(&container_of(line, struct port, line)->uart, s, n, false);
	irq_restore(flags);
}

static void taken(struct line *line)
{
	u64 flags = irq_save();

	uart_driver_input_taken(&container_of(line, struct port, line)->uart);
	irq_restore(flags);
}

static void write_now(struct line *line, const char *s, size_t n)
{
	uart_driver_write_now(&container_of(line, struct port, line)->uart, s, n, false);
}

static int read_now(struct line *line)
{
	return uart_driver_read_now(&container_of(line, struct port, line)->uart);
}

void serial_lines_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
		struct port *p = &ports[i];

		if (!uart_driver_init(&p->uart, &ops, p->queue, sizeof(p->queue)))
			continue;
		p->line.name = p->name;
		p->line.start = start;
		p->line.write = write;
		p->line.taken = taken;
		p->line.write_now = write_now;
		p->line.read_now = read_now;
		line_register(&p->line);
	}
}
