/* SPDX-License-Identifier: MIT */
/*
 * Which UARTs hold up a wire though their gates are closed.
 */
#include "emu/board/serial_gate.h"

#include "emu/chip/i8259.h"
#include "emu/chip/ioapic.h"
#include "emu/chip/uart16550.h"
#include "emu/dev/strict.h"
#include "kernel/hw/ns16550_regs.h"

/* The UART of a device that asks for irq through a gate that is closed, or NULL. */
static const struct uart16550 *closed(const struct device *d, unsigned irq)
{
	const struct uart16550 *u = d->dev;

	if (d->slot->class != &uart16550_class || !(d->slot->irqs & BIT(irq)))
		return NULL;
	return u->level && !(u->mcr & MCR_OUT2) ? u : NULL;
}

static void look(const struct device_set *s, const struct irq_or *wires,
		 const struct board_host *host, unsigned irq)
{
	unsigned gates = 0, holders = 0;

	for (u32 left = wires->held[irq]; left; left &= left - 1)
		holders++;
	for (unsigned i = 0; i < s->count; i++)
		gates += closed(&s->device[i], irq) != NULL;
	if (gates != holders)
		return;
	for (unsigned i = 0; i < s->count; i++) {
		const struct uart16550 *u = closed(&s->device[i], irq);

		if (u)
			strict_broken_at(host, STRICT_uart_out2, u->unit + 1u);
	}
}

void serial_gate_look(const struct device_set *devices, const struct irq_or *wires,
		      const struct board_host *host, u8 vector)
{
	const struct i8259_pair *pic = devices_find(devices, &i8259_class, 0);
	const struct ioapic *io = devices_find(devices, &ioapic_class, 0);

	/* 0 and 2 are no UART's; the I/O APIC's pins have the numbers of the others. */
	for (unsigned irq = 3; irq < 16; irq++)
		if (i8259_vector(pic, irq) == vector || (io && ioapic_vector(io, irq) == vector))
			look(devices, wires, host, irq);
}
