/* SPDX-License-Identifier: MIT */
/*
 * The PCI functions that make up the mainboard: the 82441FX host bridge at 00:00.0 and the PIIX3
 * ISA bridge at 00:01.0 with its four PCI interrupt router registers. (The power management
 * function at 00:01.3 has a file of its own, piix4_pm.)
 */
#pragma once

#include "emu/chip/pci.h"

#define CHIPSET_PIIX_DEVICE 1
#define PIIX_PIRQRC	    0x60 /* A..D at 60h..63h: bit 7 off, bits 3..0 ISA IRQ */
#define PIIX_PIRQ_OFF	    0x80

struct chipset {
	struct pci_function host, isa;
	u8 pirq_level;	     /* wires PIRQA#..PIRQD#, asserted = 1 */
	u32 pirq_pins[4];    /* which devices (bit) pull each */
	u16 driven;	     /* ISA IRQs that we hold up now */
	struct irq_line irq; /* irq.irq is ignored: called with the ISA IRQ that is routed to */
};

void chipset_init(struct chipset *c, struct pci_bus *pci, struct irq_line irq);
/* Power-on values, then what firmware would program: PIRQA..D to IRQ 10, 10, 11, 11. */
void chipset_reset(struct chipset *c);
/* INTx# of a PCI device (pin 1..4). */
void chipset_set_intx(struct chipset *c, unsigned device, unsigned pin, bool level);
/* Which PIRQ (0..3) that pin is wired to; the DSDT says the same. */
static inline unsigned chipset_pirq_of(unsigned device, unsigned pin)
{
	return (device + pin + 2) & 3; /* device 1 INTA: PIRQA */
}
