/* SPDX-License-Identifier: MIT */
/*
 * The 8259 pair, and the I/O APIC.
 */
#include "emu/chip/i8259.h"
#include "emu/chip/ioapic.h"
#include "emu/words/words_each.h"
#include "emu/words/words_text.h"
#include "emu/words/words_apic.h"
#include "kernel/base/print.h"
#include "kernel/hw/apic_regs.h"

static void print_modes(const struct i8259 *c, const struct dbg_out *out)
{
	struct dbg_line l = { .len = 0 };

	dbg_add(&l, "  %-18s", "modes");
	dbg_add(&l, " %s EOI", c->aeoi ? "automatic" : "by");
	dbg_add(&l, "%s%s%s%s%s", c->rotate_aeoi ? ", rotating" : "",
		c->special_mask ? ", special mask" : "",
		c->special_nested ? ", special fully nested" : "", c->single ? ", alone" : "",
		c->poll ? ", polled next" : "");
	dbg_add(&l, "; reads show %s", c->read_isr ? "what is in service" : "requests");
	if (c->expect)
		dbg_add(&l, "; not set up: waits for ICW%u", c->expect);
	dbg_end(&l, out);
}

static void print_chip(const struct i8259_pair *p, unsigned n, const struct dbg_out *out)
{
	const struct i8259 *c = &p->chip[n];
	unsigned first = 8 * n;
	u32 requests = 0;

	for (unsigned i = 0; i < 8; i++)
		requests |= i8259_requests(p, first + i) ? BIT(i) : 0;
	dbg_print(out, "%s 8259A: IRQ %u-%u are vectors %02x-%02x, IRQ %u goes first",
		  n ? "second" : "first", first, first + 7, c->base, c->base + 7,
		  first + ((c->lowest + 1u) & 7));
	words_numbers(out, "masked", c->imr, first);
	words_numbers(out, "requested", requests, first);
	words_numbers(out, "in service", c->isr, first);
	words_numbers(out, "wires up", c->line, first);
	words_numbers(out, "level-triggered", c->elcr, first);
	print_modes(c, out);
}

void words_i8259(const void *dev, const struct dbg_out *out)
{
	const struct i8259_pair *p = dev;

	print_chip(p, 0, out);
	print_chip(p, 1, out);
	dbg_print(out, "INTR is %s; %llu acknowledged, %llu of them spurious", words_up(p->pin),
		  (unsigned long long)p->acks, (unsigned long long)p->spurious);
}

void words_ioapic(const void *dev, const struct dbg_out *out)
{
	const struct ioapic *io = dev;

	dbg_print(out, "I/O APIC %u: register %02x selected, %llu messages sent", io->id >> 24 & 15,
		  io->select, (unsigned long long)io->messages);
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 e = io->entry[pin];
		char label[12];

		fmt_print(label, sizeof(label), "pin %u", pin);
		words_apic_entry(out, label, (u32)e, "to %s %02x, wire %s",
				 e & LVT_LOGICAL ? "logical" : "processor", (u32)(e >> 56),
				 words_up(io->wires >> pin & 1));
	}
}
