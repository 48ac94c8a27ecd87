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
	u16 driven;		  /* ISA IRQs that we hold up now */
	struct irq_line line[16]; /* to each ISA IRQ */
};

#define PIIX3_FIRMWARE_ELCR 0x0c00 /* with the routes of a reset: those IRQs are level-triggered */

/* Where a firmware leads PIRQA..D, and a reset, too. */
extern const u8 piix3_firmware_route[4];

/* Reset: power-on values, then what firmware would program, PIRQA..D to IRQ 10, 10, 11, 11. */
extern const struct device_class piix3_class;
/* The sink of PIRQA..D (0..3), an irq_line's set(). */
void piix3_set_pirq(void *piix3, unsigned n, bool level);
/* Those of them that lead to an ISA interrupt in the mask open. */
u8 piix3_open(const struct piix3 *c, u16 open);
