/* SPDX-License-Identifier: MIT */
/*
 * The monitor's page tables, for the files that implement arch/mem/kmap.h.
 */
#pragma once

#include "kernel/base/types.h"
#include "kernel/hw/x86.h"

#define LARGE_2M (2 * MiB)
#define LARGE_1G (1 * GiB)

/*
 * Maps [hva, hva + size) to hpa with the leaf flags (PTE_NX is dropped where the CPU has none), by
 * pages as large as alignment and max_page (4 KiB, 2 MiB, 1 GiB) allow. Panics when out of memory
 * for tables: start-up only, or in areas whose tables exist.
 */
void kmap_table_map(hva_t hva, hpa_t hpa, u64 size, u64 flags, u64 max_page);
/* Same, but E_NOMEM. */
int kmap_table_try_map(hva_t hva, hpa_t hpa, u64 size, u64 flags, u64 max_page);
/* Removes 2 MiB leaves. */
void kmap_table_unmap_2m(hva_t hva, u64 size);
/* The leaf entry of hva, 0 if there is none; *page receives its size. */
u64 kmap_table_lookup(hva_t hva, u64 *page);

void *kmap_block_alloc(unsigned order);
void kmap_block_free(void *p, unsigned order);
