/* SPDX-License-Identifier: MIT */
/*
 * The monitor's own address space.
 *
 *     FFFF_8000_0000_0000  all physical memory (direct map, no-execute, 2 MiB or 1 GiB pages)
 *     FFFF_FFFE_0035_7000  the fence (kmap_fence)
 *     FFFF_FFFF_8000_0000  the image: text RX, rodata R, data RW
 *     FFFF_FFFF_A000_0000  code caches as executed (kmap_code), within 2 GiB of the image
 *     FFFF_FFFF_C000_0000  the same, writable and not executable
 *     FFFF_FFFF_E000_0000  device memory (kmap_device)
 *
 * The low half is empty: no identity mapping survives start-up.
 */
#pragma once

#include "kernel/base/types.h"

#define DIRECT_MAP_BASE 0xffff800000000000ull
#define IMAGE_BASE	0xffffffff80000000ull

static inline void *direct_ptr(hpa_t hpa)
{
	return (void *)(hva_t)(DIRECT_MAP_BASE + hpa);
}
struct kmap_range {
	hpa_t start, end;
};

/*
 * Builds the final tables and loads them: the image, and a direct map of ranges, sorted, (outer) 2
 * MiB pages. alloc gives and free takes memory of 4 KiB << order that lies in the direct map, while
 * kmap_init() runs below 4 GiB. Panics without memory.
 */
void kmap_init(const struct kmap_range *ranges, unsigned n, void *(*alloc)(unsigned order),
	       void (*free)(void *p, unsigned order));
/* True if all of it can be reached by direct_ptr(). */
bool kmap_direct_mapped(hpa_t hpa, u64 size);

/* Of an address in the direct map or in the image. */
hpa_t kmap_hpa(const void *hva);

/* PML4[256..511] of the monitor, to be copied into every shadow root (static after start-up: shared
 * by reference below). */
const u64 *kmap_upper_pml4(void);
/* The root with an empty low half, for when no guest is loaded. */
hpa_t kmap_monitor_root(void);

/*
 * Maps size bytes (rounded up to 2 MiB) of fresh memory executable within +-2 GiB of the image; *rw
 * receives a writable alias. Returns the executable address, NULL when out of memory.
 */
void *kmap_code(size_t size, u8 **rw);
void kmap_code_free(void *rx, size_t size);
enum kmap_cache { KMAP_UNCACHED, KMAP_WRITE_COMBINE, KMAP_CACHED };
/* A mapping of something outside the direct map: firmware tables cached, registers not. Never
 * undone. NULL when out of space. */
void *kmap_physical(hpa_t hpa, size_t size, enum kmap_cache cache);
/* Bytes that can be read, all of one page, with as many before and more than 4 GiB behind that
 * cannot. */
#define KMAP_FENCE 0x10000u
const u8 *kmap_fence(void);
/* Uncached mapping of device registers (write_combine: for frame buffers). NULL when out of space.
 */
void *kmap_device(hpa_t hpa, size_t size, bool write_combine);
