/* SPDX-License-Identifier: MIT */
/*
 * What of the machine's memory is ours: RAM of the boot map less everything that somebody else
 * claims. Pure.
 */
#pragma once

#include "boot/lib/bootinfo.h"
#include "kernel/base/types.h"

#define MEMMAP_MAX 256

struct memmap {
	struct {
		hpa_t start, end;
	} piece[MEMMAP_MAX]; /* sorted, disjoint */
	unsigned pieces;
};

/* RAM less all ranges of another kind that overlap it. */
void memmap_from_boot(struct memmap *m, const struct boot_info *info);
void memmap_remove(struct memmap *m, hpa_t start, hpa_t end);
/* Cuts size bytes (a multiple of 4 KiB) out of the lowest piece that has them between floor and
 * limit; 0 if none has. */
hpa_t memmap_take(struct memmap *m, u64 size, hpa_t floor, hpa_t limit);
u64 memmap_total(const struct memmap *m);
hpa_t memmap_top(const struct memmap *m);
