/* SPDX-License-Identifier: MIT */
/*
 * The machine's PCI devices, found by configuration mechanism 1.
 */
#pragma once

#include "kernel/base/types.h"

struct pci_function {
	u8 bus, device, function;
	u16 vendor, id;
	u8 class, subclass, interface, irq;
};

/* Finds everything behind bus 0 and registers the command lspci. */
void pci_scan(void);
unsigned pci_count(void);
const struct pci_function *pci_at(unsigned i);
u32 pci_config_read(const struct pci_function *f, u8 offset);
void pci_config_write(const struct pci_function *f, u8 offset, u32 value);
