/* SPDX-License-Identifier: MIT */
/*
 * Which guest-physical pages may run raw in ring 1: the status of every RAM page (unknown, clean,
 * dirty), gained by analysis (vmm/code/analyse.h) at the first fetch and lost by any write. A page
 * that lost it too often is given up: analysing costs a thousand times what a write does. One per
 * VM.
 */
#pragma once

#include "emu/mem/gpmem.h"
#include "vmm/mmu/shadow.h"

struct raw_pages {
	u8 *status; /* per page of RAM below 4 GiB: RAW_PAGE_*, above them how often it was lost */
	u32 *follows; /* for page n: 1 + the page whose analysis used n's first bytes; 0: none */
	u32 *leads;   /* for page n: 1 + the page whose analysis used n's last bytes; 0: none */
	u32 pages;
	struct gpmem *mem;
	struct shadow *shadow;
	bool umip;
	u64 analysed, clean, dirty, lost;
};

/* Registers the GPMEM_WATCH_RAW watcher. Returns 0 or E_NOMEM. */
int raw_pages_init(struct raw_pages *r, struct gpmem *mem, struct shadow *shadow, u64 ram_end,
		   bool umip);
void raw_pages_destroy(struct raw_pages *r);
/* The machine starts again: none of these pages is given up any more. */
void raw_pages_reset(struct raw_pages *r, u32 first, u32 count);

/*
 * Is the page of this linear address, where control is about to enter, clean? Analyses it if it has
 * no status yet. The guest's mapping is looked up as for the fetch itself; user pages, unmapped
 * pages and device memory are never clean.
 */
bool raw_page_clean(struct raw_pages *r, struct cpu *cpu, gla_t gla);
/* The same without looking: a page of no status is not clean yet. Looking takes up to 12 million
 * instructions, so who holds interrupts off asks this. */
bool raw_page_known_clean(const struct raw_pages *r, struct cpu *cpu, gla_t gla);
