/* SPDX-License-Identifier: MIT */
/*
 * CD-ROM drives: ATA commands of a packet device, and the packets (MMC-3).
 */
#pragma once

#include "emu/chip/ata_state.h"

void atapi_command(struct ata_channel *c, u8 command);
void atapi_advance(struct ata_channel *c);
/* As after power-on or a reset. */
void atapi_reset(struct ata_device *d);
/* Another medium, or none. */
void atapi_medium_changed(struct ata_device *d);
