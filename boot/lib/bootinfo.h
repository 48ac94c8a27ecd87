/* SPDX-License-Identifier: MIT */
/*
 * What the boot loader told us, in one form for Multiboot 1 and 2. Everything is copied out of the
 * loader's memory, except the modules' contents, whose pages stay reserved (kernel/lib/module.h).
 */
#pragma once

#include "drivers/video/screen_mode.h"
#include "kernel/base/types.h"

#define BOOT_MAX_RANGES 128
#define BOOT_STRING	512

enum boot_range_kind { BOOT_RAM = 1, BOOT_RESERVED, BOOT_ACPI, BOOT_NVS, BOOT_BAD };

struct boot_range {
	hpa_t start, end;
	enum boot_range_kind kind;
};

struct boot_info {
	char loader[64];
	char cmdline[BOOT_STRING];
	struct boot_range range[BOOT_MAX_RANGES];
	unsigned ranges;
	struct screen_mode fb;
	hpa_t rsdp; /* of rsdp_copy; 0: search */
	u8 rsdp_copy[64];
	u32 rsdp_copy_size;
};
extern struct boot_info boot_info;
