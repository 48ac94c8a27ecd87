/* SPDX-License-Identifier: MIT */
/*
 * The PIIX3's IDE function (Intel 290550): two channels at the ports that PCs have had for them,
 * and a bus master for each. The files of a channel are told in ata_state.h.
 */
#pragma once

#include "emu/chip/ata_state.h"
#include "emu/chip/pci.h"

#define IDE_BUS_MASTER 0xc000u /* where firmware puts the bus master registers */

struct piix3_ide {
	struct pci_function pci;
	struct ata_channel channel[2];
	struct ata_work work[2];
	u16 decoded[3]; /* first ports that are claimed: of each channel, of the bus master */
	struct bus *bus;
};

/* Ports, of each channel: command block, control block; an interrupt each. The device claims them
 * itself, as its registers say. Reset is as firmware leaves it: all is decoded. */
extern const struct device_class piix3_ide_class;
