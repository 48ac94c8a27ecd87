/* SPDX-License-Identifier: MIT */
/*
 * The driver of drivers/lib/uart_driver.c at COM1, as a sink and a source of the console; or as a
 * line of its own, for somebody who asks for it where the console is not written to it.
 * Everything but write_now() runs with interrupts off for as long as it touches the driver: an
 * interrupt that prints comes before or after, and an NMI prints by write_now() only.
 */
#include "drivers/char/serial_port.h"

#include "arch/cpu/processor.h"
#include "drivers/char/serial_irq.h"
#include "drivers/lib/uart_driver.h"
#include "kernel/base/error.h"
#include "kernel/base/log.h"
#include "kernel/console/line.h"
#include "kernel/hw/ns16550_regs.h"
#include "kernel/sched/sched.h"
#include "kernel/time/clock.h"

#define LOOK_NS 100000000ull

static struct uart_driver uart;
static u8 queue[64 * KiB]; /* an answer of the monitor's own fits, beside what guests may fill */

static struct line line;

static u8 port_in(struct uart_driver *u, unsigned reg)
{
	(void)u;
	return inb((u16)(COM1_PORT + reg));
}

static void port_out(struct uart_driver *u, unsigned reg, u8 value)
{
	(void)u;
	outb((u16)(COM1_PORT + reg), value);
}

static void input(struct uart_driver *u, u8 byte)
{
	(void)u;
	if (line.came)
		line_input(&line, byte);
	else
		console_input(byte);
}

static void input_break(struct uart_driver *u)
{
	(void)u;
	if (!line.came)
		console_input_break();
}

static u32 input_room(struct uart_driver *u)
{
	(void)u;
	return line.came ? ring_room(&line.input) : console_input_room();
}

static const struct uart_ops ops = {
	.in = port_in,
	.out = port_out,
	.input = input,
	.input_break = input_break,
	.input_room = input_room,
};

/* What waits is sent by the transmitter's interrupt. Should one be lost, this goes on in its place.
 */
static void look_after(struct timer *t)
{
	uart_driver_poll(&uart);
	if (ring_used(&uart.queue))
		timer_add(&sched_runq()->timers, t, clock_now() + LOOK_NS);
}

static struct timer looks = { .fn = look_after };

static void write_queued(const char *s, size_t n, bool cooked)
{
	u64 flags = irq_save();

	uart_driver_write(&uart, s, n, cooked);
	if (uart.interrupts && ring_used(&uart.queue) && !looks.set)
		timer_add(&sched_runq()->timers, &looks, clock_now() + LOOK_NS);
	irq_restore(flags);
}

static void write_now(const char *s, size_t n, bool cooked)
{
	uart_driver_write_now(&uart, s, n, cooked);
}

static int read_now(void)
{
	return uart_driver_read_now(&uart);
}

static u32 queued(void)
{
	return ring_used(&uart.queue);
}

static void flush(void)
{
	u64 flags = irq_save();

	uart_driver_flush(&uart);
	irq_restore(flags);
}

static void input_taken(void)
{
	u64 flags = irq_save();

	uart_driver_input_taken(&uart);
	irq_restore(flags);
}

static void set_flow(enum console_flow flow)
{
	u64 flags = irq_save();

	uart_driver_set_flow(&uart, flow);
	irq_restore(flags);
}

static const struct console_sink_ops sink = {
	.write = write_queued,
	.write_now = write_now,
	.queued = queued,
	.flush = flush,
	.input_taken = input_taken,
	.set_flow = set_flow,
	.read_now = read_now,
};

/* --- As a line */

static int line_start(struct line *l)
{
	(void)l;
	if (console_uses(CONSOLE_SERIAL))
		return E_BUSY;
	flush();
	console_attach(CONSOLE_SERIAL, NULL);
	set_flow(CONSOLE_FLOW_NONE);
	return 0;
}

static void line_write(struct line *l, const char *s, size_t n)
{
	(void)l;
	write_queued(s, n, false);
}

static void line_taken(struct line *l)
{
	(void)l;
	input_taken();
}

static void line_write_now(struct line *l, const char *s, size_t n)
{
	(void)l;
	write_now(s, n, false);
}

static int line_look(struct line *l)
{
	(void)l;
	return read_now();
}

static struct line line = { .name = "com1",
			    .start = line_start,
			    .write = line_write,
			    .taken = line_taken,
			    .write_now = line_write_now,
			    .read_now = line_look };

/* --- Start */

void serial_port_init(void)
{
	if (uart_driver_init(&uart, &ops, queue, sizeof(queue)))
		console_attach(CONSOLE_SERIAL, &sink);
}

void serial_port_enable_input(void)
{
	static struct serial_irq sharer;
	u64 flags;

	if (!uart.mcr)
		return;
	if (serial_irq_share(COM1_IRQ, &sharer, &uart)) {
		log_warn("serial: no interrupt line: no input from COM1");
		return;
	}
	flags = irq_save();
	uart_driver_enable(&uart);
	irq_restore(flags);
	line_register(&line);
}
