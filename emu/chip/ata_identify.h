/* SPDX-License-Identifier: MIT */
/*
 * What devices say of themselves: IDENTIFY DEVICE, IDENTIFY PACKET DEVICE, SMART READ DATA.
 */
#pragma once

#include "emu/chip/ata_state.h"

#define ATA_MULTIPLE_MAX  16u
#define ATA_CYLINDERS_MAX 16383u
#define ATA_HEADS	  16u
#define ATA_SECTORS	  63u
#define ATA_MODEL_SIZE	  40u

/* 512 bytes each; unit is the device's place, 0 to 3. */
void ata_identify_disk(const struct ata_device *d, unsigned unit, u8 *to);
void ata_identify_cdrom(const struct ata_device *d, unsigned unit, u8 *to);
/* READ DATA, or READ THRESHOLDS. */
void ata_smart_data(u8 *to, bool thresholds);
/* Cylinders of the geometry that the device has now. */
u32 ata_cylinders(const struct ata_device *d);
