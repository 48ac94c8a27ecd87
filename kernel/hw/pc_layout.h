/* SPDX-License-Identifier: MIT */
/*
 * A PC's first megabyte. All addresses are physical.
 *
 *     0        RAM; the interrupt vectors and the BIOS data area in the first 1,280 bytes
 *     9FC00h   RAM, the BIOS' extended data area
 *     A0000h   video memory
 *     C0000h   ROMs of adapters
 *     E0000h   the BIOS; ACPI's root pointer is in it
 *     100000h  RAM
 */
#pragma once

#define PC_EBDA	      0x9fc00u
#define PC_VIDEO      0xa0000u
#define PC_VIDEO_SIZE 0x20000u
#define PC_ROMS	      0xc0000u
#define PC_BIOS	      0xe0000u
#define PC_BIOS_SIZE  0x20000u
#define PC_HIGH	      0x100000u
