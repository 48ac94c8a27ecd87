/* SPDX-License-Identifier: MIT */
/*
 * What a BIOS boots from: `boot = cdrom, disk`. Pure.
 */
#pragma once

#include "kernel/base/types.h"

enum config_boot {
	BOOT_FROM_FLOPPY,
	BOOT_FROM_CDROM,
	BOOT_FROM_DISK,
	BOOT_FROM_NETWORK,
	BOOT_KINDS
};

#define CONFIG_BOOT_WANT "floppy, cdrom, disk or network, each once, with commas between"

/* The order that value says. Returns how many there are; 0: it is not CONFIG_BOOT_WANT. */
unsigned config_boot_parse(const char *value, enum config_boot order[BOOT_KINDS]);
