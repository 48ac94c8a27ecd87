/* SPDX-License-Identifier: MIT */
/*
 * The monitor's own address space.
 *
 *     FFFF_8000_0000_0000  all physical memory (direct map, no-execute, 2 MiB or 1 GiB pages)
 *     FFFF_FFFF_8000_0000  the image: text RX, rodata R, data RW
 *     FFFF_FFFF_A000_0000  code caches (vm_map_code), within 2 GiB of the image
 *     FFFF_FFFF_E000_0000  device memory (vm_map_device)
 *
 * The low half is empty: no identity mapping survives start-up.
 */
#pragma once

#include "kernel/base/types.h"

#define DIRECT_MAP_BASE 0xffff800000000000ull
#define IMAGE_BASE      0xffffffff80000000ull

static inline void *direct_ptr(hpa_t hpa)
{
	return (void *)(hva_t)(DIRECT_MAP_BASE + hpa);
}
/* Of an address in the direct map or in the image. */
hpa_t vm_hpa(const void *hva);

/* PML4[256..511] of the monitor, to be copied into every shadow root (static after start-up: shared by reference below). */
const u64 *vm_upper_pml4(void);
/* The root with an empty low half, for when no guest is loaded. */
hpa_t vm_monitor_root(void);

/*
 * Maps size bytes of fresh memory executable within +-2 GiB of the image, *rw receives the writable alias in the direct map if
 * the pages are contiguous, else a second mapping. Returns the executable address, NULL when out of memory.
 */
void *vm_map_code(size_t size, u8 **rw);
void vm_unmap_code(void *rx, size_t size);
/* Uncached mapping of device registers (write_combine: for frame buffers). NULL when out of space. */
void *vm_map_device(hpa_t hpa, size_t size, bool write_combine);
