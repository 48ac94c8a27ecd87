/* SPDX-License-Identifier: MIT */
/*
 * Several devices on one interrupt line: the line is up while any of them holds it.
 */
#include "emu/dev/irq_or.h"

#include "kernel/base/error.h"

/* irq_line.irq carries the source in its upper half. */
static void set(void *ctx, unsigned where, bool level)
{
	struct irq_or *o = ctx;
	unsigned irq = where & 15, before = o->held[irq];

	if (level)
		o->held[irq] |= BIT(where >> 16);
	else
		o->held[irq] &= ~BIT(where >> 16);
	if (!before != !o->held[irq])
		o->out.set(o->out.ctx, irq, o->held[irq] != 0);
}

int irq_or_source(struct irq_or *o, unsigned irq, struct irq_line *line)
{
	if (irq >= ARRAY_SIZE(o->sources))
		return E_INVAL;
	if (o->sources[irq] == 32)
		return E_FULL;
	*line = (struct irq_line){ .set = set,
				   .ctx = o,
				   .irq = irq | (unsigned)o->sources[irq]++ << 16 };
	return 0;
}
