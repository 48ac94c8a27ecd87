/* SPDX-License-Identifier: MIT */
/*
 * A PC with 4 MiB of RAM, DMA and drives, for tests of controllers. What is on a medium can be
 * computed: medium_byte().
 */
#pragma once

#include <stdlib.h>

#include "emu/chip/i8237.h"
#include "emu/dev/disk_memory.h"
#include "emu/mem/gpmem.h"
#include "kernel/base/alloc.h"
#include "tests/unit/pc_fixture.h"

#define DRIVE_RAM (4 * MiB)

struct drive_pc {
	struct pc pc;
	struct gpmem mem;
	struct i8237_pair dma;
	u8 *ram[2];
	struct disk_memory disk[DRIVE_PLACES];
	u8 *image[DRIVE_PLACES];
	u64 size[DRIVE_PLACES];
};

static inline u8 medium_byte(u64 at)
{
	return (u8)(at * 7 + (at >> 9) * 13 + (at >> 17));
}

static inline void drive_pc_init(struct drive_pc *d)
{
	u8 **chunk = mem_alloc(2 * sizeof(*chunk));

	memset(d, 0, sizeof(*d));
	pc_init(&d->pc);
	gpmem_init(&d->mem);
	for (unsigned i = 0; i < 2; i++)
		chunk[i] = d->ram[i] = calloc(1, GPMEM_CHUNK_SIZE);
	gpmem_add_ram(&d->mem, 0, DRIVE_RAM, chunk, true, "ram");
	d->pc.mem = &d->mem;
	pc_plug(&d->pc, &i8237_class, &d->dma);
	d->pc.dma = &d->dma.controller;
}

/* Before the controller is plugged in. size 0: the drive is empty. */
static inline void drive_pc_add(struct drive_pc *d, enum drive_place place, enum drive_kind kind,
				u64 size, bool read_only)
{
	d->image[place] = malloc(size ? size : 1);
	d->size[place] = size;
	for (u64 i = 0; i < size; i++)
		d->image[place][i] = medium_byte(i);
	assert_int_equal(disk_memory_init(&d->disk[place], d->image[place], size, read_only), 0);
	d->pc.drives[place] = (struct drive){ kind, &d->disk[place].backend };
}

/* After the controller is destroyed. */
static inline void drive_pc_free(struct drive_pc *d)
{
	for (unsigned i = 0; i < DRIVE_PLACES; i++) {
		if (d->image[i])
			assert_int_equal(disk_backend_destroy(&d->disk[i].backend), 0);
		free(d->image[i]);
	}
	gpmem_destroy(&d->mem);
	free(d->ram[0]);
	free(d->ram[1]);
}
