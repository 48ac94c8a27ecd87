/* SPDX-License-Identifier: MIT */
/*
 * Physical page allocator: buddy system over the boot memory map, orders 0 (4 KiB) to 9 (2 MiB) and
 * on to 18 (1 GiB). Pages below 1 MiB are not handed out. Not zeroed. Interrupt handlers do not
 * allocate. Addresses are direct-map pointers.
 */
#pragma once

#include "kernel/base/types.h"

#define PAGE_ORDER_2M 9u

/* state: a byte for each page below top, in the direct map; start-up only. */
void page_init(u8 *state, hpa_t top);
void page_add_range(hpa_t start, hpa_t end); /* start-up only */
void *page_alloc(unsigned order);	     /* NULL when there is none */
void page_free(void *p, unsigned order);
/*
 * A promise of single pages: they stay free, but are nobody else's. Whoever has it takes them and
 * gives them back one by one. False: so many are not free.
 */
bool page_promise(u64 pages);
void page_promise_end(u64 pages); /* of those that are not taken */
void *page_alloc_promised(void);
void page_free_promised(void *p);
u64 page_free_bytes(void); /* without those promised */
u64 page_promised_bytes(void);
u64 page_total_bytes(void);
/* Any number of pages in a row, no more than asked for. */
void *page_alloc_span(u64 pages);
void page_free_span(void *p, u64 pages);
/* Free blocks of one order: the shape of what is left. */
u64 page_free_blocks(unsigned order);
