/* SPDX-License-Identifier: MIT */
/*
 * QEMU's firmware configuration device (docs/specs/fw_cfg in QEMU's tree): items by key, and files
 * by name through a directory. Firmware reads what machine it is in.
 *
 *      510h  selector, 16 bits, written       514h  DMA: address of the request, high half
 *      511h  the next byte of the item        518h  low half: starts it; both big-endian
 *
 *      request, big-endian: control u32 | length u32 | address u64
 *      control: 31..16 key | 10h write | 8 select | 4 skip | 2 read | 1 error; 0 at the end
 *
 * Nothing can be written: that is an error. What is behind an item's end, or no item, reads zeros.
 */
#pragma once

#include "emu/dev/completion.h"
#include "emu/dev/device.h"

#define FW_CFG_ITEMS	  32u
#define FW_CFG_FILE_FIRST 0x20u
#define FW_CFG_NAME	  56u

enum fw_cfg_key {
	FW_CFG_SIGNATURE = 0x00,
	FW_CFG_ID = 0x01,
	FW_CFG_RAM_SIZE = 0x03,
	FW_CFG_NOGRAPHIC = 0x04,
	FW_CFG_CPUS = 0x05,
	FW_CFG_BOOT_MENU = 0x0e,
	FW_CFG_MAX_CPUS = 0x0f,
	FW_CFG_DIRECTORY = 0x19,
};

struct fw_cfg_item {
	u16 key;
	u32 size;
	u8 *data; /* ours */
	char name[FW_CFG_NAME];
};

struct fw_cfg {
	struct gpmem *mem;
	struct completions *completions;
	struct fw_cfg_item item[FW_CFG_ITEMS];
	unsigned items, files;

	/* Architectural state. */
	u16 selected;
	u32 offset;   /* in the item; stays at its end */
	u32 dma_high; /* the half that was written first */
	/* A request that is under way, a piece at a time. */
	struct {
		gpa_t request, to;
		u32 left; /* 0: none is */
		bool failed;
	} dma;
	struct completion more;
};

extern const struct device_class fw_cfg_class; /* ports: selector and data, DMA */

/* Both copy data. Return 0, E_FULL, E_NOMEM. */
int fw_cfg_add(struct fw_cfg *f, u16 key, const void *data, u32 size);
int fw_cfg_add_file(struct fw_cfg *f, const char *name, const void *data, u32 size);
/* The bytes of a file, for who made it; NULL: there is none. */
const struct fw_cfg_item *fw_cfg_find_file(const struct fw_cfg *f, const char *name);
