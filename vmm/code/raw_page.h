/* SPDX-License-Identifier: MIT */
/*
 * Which guest-physical pages may run raw in ring 1: the status of every RAM page (unknown, clean,
 * dirty), gained by analysis (vmm/code/analyse.h) at the first fetch and lost by any write. A page
 * that lost it too often is given up: analysing costs a thousand times what a write does. One per
 * VM.
 */
#pragma once

#include "emu/mem/gpmem.h"
#include "vmm/code/analyse.h"
#include "vmm/mmu/shadow.h"

/* The page that is being looked at, a piece at each question. */
struct raw_page_job {
	bool busy;
	gla_t gla; /* where control was about to enter */
	/* Numbers of the page and its neighbours in linear space; NO_PAGE: it has no bytes. */
	u32 page, before, next;
	u8 tail[ANALYSE_TAIL];	  /* a copy of the last bytes of `before` */
	struct analyser analyser; /* has copies of the others */
};

struct raw_pages {
	u8 *status; /* per page of RAM below 4 GiB: RAW_PAGE_*, above them how often it was lost */
	u32 *follows; /* for page n: 1 + the page whose analysis used n's first bytes; 0: none */
	u32 *leads;   /* for page n: 1 + the page whose analysis used n's last bytes; 0: none */
	u32 pages;
	struct gpmem *mem;
	struct shadow *shadow;
	bool umip;
	struct raw_page_job job;
	u64 analysed, clean, dirty, lost;
};

/* Registers the GPMEM_WATCH_RAW watcher. Returns 0 or E_NOMEM. */
int raw_pages_init(struct raw_pages *r, struct gpmem *mem, struct shadow *shadow, u64 ram_end,
		   bool umip);
void raw_pages_destroy(struct raw_pages *r);
/* The machine starts again: none of these pages is given up any more. */
void raw_pages_reset(struct raw_pages *r, u32 first, u32 count);

/*
 * Is the page of this linear address, where control is about to enter, clean? One without a status
 * is looked at, a piece at each question about any page (less than a millisecond); until that is
 * done it is neither clean nor dirty. The guest's mapping is looked up as for the fetch itself;
 * user pages, unmapped pages and device memory are dirty.
 */
bool raw_page_clean(struct raw_pages *r, struct cpu *cpu, gla_t gla);
bool raw_page_dirty(struct raw_pages *r, struct cpu *cpu, gla_t gla);
/* The same without looking, for who holds interrupts off. */
bool raw_page_known_clean(const struct raw_pages *r, struct cpu *cpu, gla_t gla);
/* Is it this page that is being looked at? */
static inline bool raw_page_under_way(const struct raw_pages *r, gla_t gla)
{
	return r->job.busy && !((r->job.gla ^ gla) & ~(PAGE_SIZE - 1));
}
