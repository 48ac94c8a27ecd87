/* SPDX-License-Identifier: MIT */
/*
 * What can be chosen of a board.
 */
#pragma once

#include "emu/dev/nic.h"
#include "kernel/base/types.h"

struct drive;

/* A file that goes into the machine. */
struct board_file {
	const u8 *data; /* NULL: none */
	u32 size;
};

enum board_boot {
	BOARD_BOOT_FLOPPY,
	BOARD_BOOT_CDROM,
	BOARD_BOOT_DISK,
	BOARD_BOOT_NETWORK,
	BOARD_BOOTS
};

/* What the firmware is told. */
struct board_boot_config {
	u8 order[BOARD_BOOTS]; /* of enum board_boot */
	u8 count;	       /* 0: the firmware's own order */
	bool menu, serial_console;
};

struct board_config {
	u64 ram_size;
	bool no_vga;		    /* nothing at A0000h */
	bool debug_exit;	    /* offer port 501h */
	bool apic;		    /* local APIC, I/O APIC and HPET */
	const struct drive *drives; /* DRIVE_PLACES of them; they outlive the board; NULL: none */
	struct nic nic[NIC_PLACES];
	u8 virtio; /* enum virtio_kind: which drivers its devices are for */
	bool virtio_rng, virtio_console, virtio_balloon;
	bool rts_wired; /* the serial lines wait for the guest's RTS */
	/* Copied. Without a firmware the board is as one has left it, for a loader that starts a
	 * kernel. */
	struct board_file firmware, vgabios;
	struct board_file netrom; /* of the first network card on PCI, and of all like it */
	struct board_boot_config boot;
};
