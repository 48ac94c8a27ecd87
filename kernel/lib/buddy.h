/* SPDX-License-Identifier: MIT */
/*
 * The buddy system, pure: blocks of 2^order pages, aligned to their size, in a range of pages that
 * may have holes. Free blocks are linked through their own first bytes; one state byte per page
 * says where free blocks begin.
 *
 *     state[page] = order of the free block that begins here, or BUDDY_NONE
 *
 * Invariant: no two free buddies of one order exist below the highest order (they have been
 * joined).
 */
#pragma once

#include "kernel/base/list.h"
#include "kernel/base/types.h"

#define BUDDY_ORDERS 19u /* to 1 GiB */
#define BUDDY_NONE   0xff

struct buddy {
	u8 *base; /* address of page 0, aligned to the highest order in use */
	u8 *state;
	u64 pages;
	u64 free_pages, total_pages;
	u64 promised; /* of the free ones, those that buddy_alloc() leaves alone */
	struct list free[BUDDY_ORDERS];
};

/* state: one byte per page; written here. Every page is taken at first. */
void buddy_init(struct buddy *b, void *base, u64 pages, u8 *state);
/* Hands over [first, first + count), which counts as memory from now on. */
void buddy_add(struct buddy *b, u64 first, u64 count);
/* NULL when there is none. */
void *buddy_alloc(struct buddy *b, unsigned order);
/* Panics if any of the block is free already. */
void buddy_free(struct buddy *b, void *p, unsigned order);
/* Any number of pages in a row, of which no more than count are taken. */
void *buddy_alloc_span(struct buddy *b, u64 count);
/* Promises single pages to somebody, who takes and gives back each when it likes. False: so many
 * are not free. */
bool buddy_promise(struct buddy *b, u64 pages);
void buddy_promise_end(struct buddy *b, u64 pages);
void *buddy_alloc_promised(struct buddy *b);
void buddy_free_promised(struct buddy *b, void *p);
void buddy_free_span(struct buddy *b, void *p, u64 count);
