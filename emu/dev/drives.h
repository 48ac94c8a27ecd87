/* SPDX-License-Identifier: MIT */
/*
 * The board's places for drives, as its controllers count them. What is in a place, and the back
 * end behind it, is the machine's around the board, which outlives the devices.
 */
#pragma once

#include "emu/dev/disk.h"

enum drive_place {
	PLACE_FLOPPY0,
	PLACE_FLOPPY1,
	PLACE_IDE0, /* primary channel, device 0 */
	PLACE_IDE1,
	PLACE_IDE2, /* secondary channel, device 0 */
	PLACE_IDE3,
	PLACE_VIRTIO0, /* a device of its own each */
	PLACE_VIRTIO3 = PLACE_VIRTIO0 + 3,
	DRIVE_PLACES
};

enum drive_kind { DRIVE_NONE, DRIVE_FLOPPY, DRIVE_CDROM, DRIVE_DISK };

struct drive {
	enum drive_kind kind;
	struct disk_backend *backend; /* not DRIVE_NONE: never NULL */
};
