/* SPDX-License-Identifier: MIT */
/*
 * The PIIX3 ISA bridge (Intel 290550) with its four PCI interrupt router registers. (The power
 * management function beside it has a file of its own, piix4_pm.)
 */
#pragma once

#include "emu/chip/pci.h"

#define PIIX3_DEVICE   1    /* on PCI bus 0; function 0 */
#define PIIX3_PIRQRC   0x60 /* A..D at 60h..63h: bit 7 off, bits 3..0 ISA IRQ */
#define PIIX3_PIRQ_OFF 0x80

struct piix3 {
	struct pci_function pci;
	u8 pirq_level;		  /* wires PIRQA#..PIRQD#, asserted = 1 */
	u32 pirq_pins[4];	  /* which devices (bit) pull each */
	u16 driven;		  /* ISA IRQs that we hold up now */
	struct irq_line line[16]; /* to each ISA IRQ */
};

/* Reset: power-on values, then what firmware would program, PIRQA..D to IRQ 10, 10, 11, 11. */
extern const struct device_class piix3_class;
/* INTx# of a PCI device (pin 1..4). */
void piix3_set_intx(struct piix3 *c, unsigned device, unsigned pin, bool level);
/* Which PIRQ (0..3) that pin is wired to; the DSDT says the same. */
static inline unsigned piix3_pirq_of(unsigned device, unsigned pin)
{
	return (device + pin + 2) & 3; /* device 1 INTA: PIRQA */
}
