/* SPDX-License-Identifier: MIT */
/*
 * A line of ISA is edge-triggered: while one port drives it, another's interrupt is no edge. So all
 * ports of a line are looked at until none of them drives it.
 */
#include "drivers/char/serial_irq.h"

#include "arch/cpu/processor.h"
#include "arch/trap/irq.h"
#include "kernel/base/error.h"

#define LINES_MAX  4u /* interrupt lines */
#define ROUNDS_MAX 16u

static struct shared {
	struct list ports;
	unsigned irq;
} shared[LINES_MAX];
static unsigned lines;

static bool is_quiet(struct shared *s)
{
	struct list *p;

	list_for_each (p, &s->ports)
		if (uart_driver_asks(list_entry(p, struct serial_irq, link)->uart))
			return false;
	return true;
}

static void interrupt(void *ctx)
{
	struct shared *s = ctx;
	struct list *p;

	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		list_for_each (p, &s->ports)
			uart_driver_interrupt(list_entry(p, struct serial_irq, link)->uart);
		if (s->ports.next == s->ports.prev || is_quiet(s)) /* one port is quiet already */
			return;
	}
}

static struct shared *find(unsigned irq)
{
	for (unsigned i = 0; i < lines; i++)
		if (shared[i].irq == irq)
			return &shared[i];
	return NULL;
}

static int new_line(unsigned irq, struct shared **out)
{
	struct shared *s = &shared[lines];
	int err;

	if (lines == LINES_MAX)
		return E_FULL;
	s->irq = irq;
	list_init(&s->ports);
	err = irq_register(irq, interrupt, s);
	if (err)
		return err;
	lines++;
	*out = s;
	return 0;
}

int serial_irq_share(unsigned irq, struct serial_irq *s, struct uart_driver *uart)
{
	struct shared *line = find(irq);
	int err = line ? 0 : new_line(irq, &line);
	u64 flags;

	if (err)
		return err;
	flags = irq_save();
	s->uart = uart;
	list_add_tail(&s->link, &line->ports);
	irq_restore(flags);
	return 0;
}
