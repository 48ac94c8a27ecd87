/* SPDX-License-Identifier: MIT */
/*
 * Physical page allocator: buddy system over the boot memory map, orders 0 (4 KiB) to 9 (2 MiB). Pages below 1 MiB are not handed
 * out. Not zeroed. Interrupt handlers do not allocate. Addresses are direct-map pointers.
 */
#pragma once

#include "kernel/base/types.h"

#define PAGE_ORDER_2M 9u

void page_add_range(hpa_t start, hpa_t end); /* start-up only */
void *page_alloc(unsigned order);             /* NULL when there is none */
void page_free(void *p, unsigned order);
u64 page_free_bytes(void);
u64 page_total_bytes(void);
