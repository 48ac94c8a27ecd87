/* SPDX-License-Identifier: MIT */
/*
 * Configuration space of PCI (PCI Local Bus 3.0, 3.2.2.3.2 and 6.1), by mechanism 1.
 */
#pragma once

#define PCI_ADDRESS_PORT 0xcf8
#define PCI_DATA_PORT	 0xcfc

/* Address: 31 enable, 23..16 bus, 15..11 device, 10..8 function, 7..2 register. */
#define PCI_ADDRESS_ENABLE 0x80000000u

#define PCI_VENDOR	    0x00
#define PCI_DEVICE	    0x02
#define PCI_COMMAND	    0x04
#define PCI_STATUS	    0x06
#define PCI_REVISION	    0x08
#define PCI_CLASS	    0x09 /* three bytes: interface, subclass, class */
#define PCI_HEADER	    0x0e
#define PCI_SECONDARY_BUS   0x19 /* of a bridge */
#define PCI_BAR(n)	    (0x10 + 4 * (n))
#define PCI_SUBSYSTEM	    0x2c
#define PCI_ROM		    0x30 /* base address of the expansion ROM; bit 0: it decodes */
#define PCI_CAPABILITIES    0x34 /* where the first one is: id(8) next(8) ... */
#define PCI_IRQ_LINE	    0x3c
#define PCI_IRQ_PIN	    0x3d
#define PCI_ROM_ENABLE	    0x00000001u
#define PCI_COMMAND_IO	    0x0001u
#define PCI_COMMAND_MEMORY  0x0002u
#define PCI_COMMAND_MASTER  0x0004u
#define PCI_COMMAND_NO_INTX 0x0400u
#define PCI_STATUS_INTX	    0x0008u /* it wants to pull its pin */
#define PCI_STATUS_LIST	    0x0010u /* it has capabilities */
#define PCI_CAP_VENDOR	    0x09
#define PCI_CAP_MSIX	    0x11
#define PCI_HEADER_BRIDGE   1u
#define PCI_HEADER_MULTI    0x80
