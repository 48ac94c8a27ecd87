/* SPDX-License-Identifier: MIT */
/*
 * Commands of an ATA disk.
 */
#pragma once

#include "emu/chip/ata_state.h"

/* The command register of an idle disk was written. */
void ata_disk_command(struct ata_channel *c, u8 command);
void ata_disk_advance(struct ata_channel *c);
