/* SPDX-License-Identifier: MIT */
/*
 * An NE2000: a DP8390 with 16 KiB of RAM and a PROM behind 32 ports.
 *
 *      00h  registers of the DP8390     10h  data of its remote DMA     18h  reset
 *
 * It is plugged in as a card of the ISA bus or as the RTL8029AS, which is the same on PCI.
 */
#pragma once

#include "emu/chip/dp8390.h"
#include "emu/chip/pci.h"

#define NE2000_PORTS 32u

struct ne2000 {
	struct dp8390 chip;
	bool on_pci;
	unsigned device; /* its number on the PCI bus */
	/* The rest is the RTL8029AS' alone. */
	u8 eeprom_command, config2, config3;
	struct pci_function pci;
	struct bus *bus;
	u16 io_at; /* where its ports are; 0: nowhere */
};

extern const struct device_class ne2000_class, ne2000_isa_class;
