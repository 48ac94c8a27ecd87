/* SPDX-License-Identifier: MIT */
/*
 * The table of the PC's devices: which there are, and where each is wired to. What others are wired
 * to comes first.
 */
#pragma once

#include "emu/dev/device.h"

#define PC_OPTION_DEBUG_EXIT BIT(0) /* offer port 501h */
#define PC_OPTION_APIC	     BIT(1) /* local APIC, I/O APIC, HPET */
#define PC_OPTION_VGA	     BIT(2)

#define PC_OPTION_VIRTIO_BLK(n)	 BIT(3 + (n)) /* 0 to 3 */
#define PC_OPTION_VIRTIO_RNG	 BIT(7)
#define PC_OPTION_VIRTIO_CONSOLE BIT(8)
#define PC_OPTION_VIRTIO_BALLOON BIT(9)
#define PC_OPTION_VIRTIO_NET(n)	 BIT(10 + (n)) /* 0 to 3 */
#define PC_OPTION_NE2000(n)	 BIT(14 + (n)) /* on PCI, 0 to 3 */
#define PC_OPTION_NE2000_ISA	 BIT(18)

#define PC_SERIAL_PORTS 4

extern const struct device_slot pc_slots[];
extern const unsigned pc_slot_count;
