/* SPDX-License-Identifier: MIT */
/*
 * The drives of the configuration: what they are called, what is written behind the equals sign,
 * and where on the board they are. Pure.
 */
#pragma once

#include "emu/dev/drives.h"

#define CONFIG_PATH 128

enum config_drive_name {
	CONFIG_FLOPPY,
	CONFIG_FLOPPY1,
	CONFIG_CDROM,
	CONFIG_DISK0,
	CONFIG_DISK3 = CONFIG_DISK0 + 3,
	CONFIG_DRIVES
};

enum config_bus { BUS_OF_MACHINE, BUS_IDE, BUS_VIRTIO };

struct config_drive {
	bool there;
	bool read_only;
	enum config_bus bus;	/* of a disk */
	char file[CONFIG_PATH]; /* "": no medium is in it */
};

/* The drive that a key names, or -1. */
int config_drive_find(const char *key);
const char *config_drive_name(enum config_drive_name n);
/*
 * "FILE", "FILE,readonly", "FILE,bus=virtio", and for drives whose media can be changed "empty".
 * Fills in all of *d but its file, which becomes "" or a name in file, of CONFIG_PATH characters.
 * Returns NULL, or what is wrong.
 */
const char *config_drive_parse(struct config_drive *d, enum drive_kind kind, const char *value,
			       char *file);

enum drive_kind config_drive_kind(enum config_drive_name n);
/* The bus that this names, BUS_OF_MACHINE if it is none. */
enum config_bus config_bus_find(const char *name);
/* Disks that do not say their bus are on this one. */
void config_drives_set_bus(struct config_drive *drives, enum config_bus bus);
/*
 * Floppy drives have places of their own. The CD-ROM is the first device of the second IDE
 * channel; IDE disks have the other places in order. Virtio disks have four of their own.
 */
enum drive_place config_drive_place(const struct config_drive *drives, enum config_drive_name n);
bool config_drives_fit(const struct config_drive *drives);
