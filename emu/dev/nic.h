/* SPDX-License-Identifier: MIT */
/*
 * The board's places for network cards. A card hands frames to board_host.frame_out() and fetches
 * those for it with frame_in(); its class' frames() is called when some have come. A frame is one
 * of Ethernet's (IEEE 802.3, 3.1.1) from its destination to the end of its data: without preamble,
 * padding and checksum.
 */
#pragma once

#include "kernel/base/types.h"

#define NIC_PLACES    4u
#define NIC_MAC	      6u
#define NIC_FRAME_MIN 14u
#define NIC_FRAME_MAX 1518u /* with a VLAN's tag */

enum nic_kind { NIC_NONE, NIC_VIRTIO, NIC_NE2000, NIC_NE2000_ISA, NIC_KINDS };

struct nic {
	enum nic_kind kind;
	u8 mac[NIC_MAC];
};
