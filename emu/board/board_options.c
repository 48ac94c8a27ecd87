/* SPDX-License-Identifier: MIT */
/*
 * Which slots of emu/board/pc_slots.c a configuration fills.
 */
#include "emu/board/board_options.h"

#include "emu/board/pc_slots.h"
#include "emu/dev/drives.h"

/* A disk without a medium is no disk. */
static u32 virtio_disks(const struct board_config *c)
{
	u32 options = 0;

	for (unsigned i = 0; c->drives && i <= PLACE_VIRTIO3 - PLACE_VIRTIO0; i++) {
		const struct drive *d = &c->drives[PLACE_VIRTIO0 + i];

		if (d->kind != DRIVE_NONE && d->backend->sectors)
			options |= PC_OPTION_VIRTIO_BLK(i);
	}
	return options;
}

u32 board_nic_option(const struct board_config *c, unsigned n)
{
	switch (c->nic[n].kind) {
	case NIC_VIRTIO:
		return PC_OPTION_VIRTIO_NET(n);
	case NIC_NE2000:
		return PC_OPTION_NE2000(n);
	case NIC_NE2000_ISA:
		return PC_OPTION_NE2000_ISA;
	default:
		return 0;
	}
}

static u32 network_cards(const struct board_config *c)
{
	u32 options = 0;

	for (unsigned n = 0; n < NIC_PLACES; n++)
		options |= board_nic_option(c, n);
	return options;
}

u32 board_options(const struct board_config *c)
{
	return (c->debug_exit ? PC_OPTION_DEBUG_EXIT : 0) | (c->apic ? PC_OPTION_APIC : 0) |
	       (c->no_vga ? 0 : PC_OPTION_VGA) | virtio_disks(c) | network_cards(c) |
	       (c->virtio_rng ? PC_OPTION_VIRTIO_RNG : 0) |
	       (c->virtio_console ? PC_OPTION_VIRTIO_CONSOLE : 0) |
	       (c->virtio_balloon ? PC_OPTION_VIRTIO_BALLOON : 0);
}
