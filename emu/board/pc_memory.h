/* SPDX-License-Identifier: MIT */
/*
 * The memory that the board brings beside the VM's RAM:
 *
 *      C0000h..FFFFFh   RAM, switched by the host bridge in 13 parts. Where it is not read:
 *                       the last 128 KiB of the firmware from E0000h on, else ones
 *      A0000h..BFFFFh   SMRAM, while the bridge opens it: in front of the video memory
 *      4 GiB - size     the firmware, a ROM, if the board has one
 */
#pragma once

#include "emu/mem/gpmem.h"

struct i440fx_part;

struct pc_memory {
	struct gpmem *mem;
	u8 *block; /* all of it, as it was taken */
	u8 *upper, *ones, *smram;
	gpa_t smram_at; /* where its window is */
	u8 *firmware;	/* NULL: none */
	u32 firmware_size;
};

#define PC_FIRMWARE_UNIT 0x10000u /* its size is a multiple of it */
#define PC_FIRMWARE_MAX	 (4 * MiB)

/* Adds all regions to mem. firmware is copied; NULL: none. Returns 0, E_INVAL for a firmware of
 * another size, or E_NOMEM; after an error mem must be given up. */
int pc_memory_create(struct pc_memory *m, struct gpmem *mem, const u8 *firmware, u32 firmware_size);
/* The regions stay in gpmem, which must not be used any more. */
void pc_memory_destroy(struct pc_memory *m);
/* Power-on: nothing is left of what was in the RAM. */
void pc_memory_clear(struct pc_memory *m);
/* The RAM at E0000h, 128 KiB. */
u8 *pc_memory_bios(struct pc_memory *m);
/* Tells watchers that [start, start + size), whole pages, was written past gpmem. */
void pc_memory_tell(struct pc_memory *m, gpa_t start, u32 size);
/* SMRAM comes to A0000h, which must be free, or goes. */
void pc_memory_show_smram(struct pc_memory *m, bool open);
/* An i440fx_part_fn. */
void pc_memory_set_part(void *ctx, const struct i440fx_part *part, bool reads, bool writes);
