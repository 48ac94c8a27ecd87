/* SPDX-License-Identifier: MIT */
/*
 * A TLB for the C code: where in the monitor a page of the guest's linear space lies, and who may
 * do what there. Hard instructions touch the same few pages (GDT, IDT, TSS, kernel stack) all the
 * time; a walk of the guest's tables costs ten times as much as the access.
 *
 * It behaves as a processor's: an entry lives until INVLPG, a write to CR3, CR0, CR4 or EFER, or a
 * change of A20 (softtlb_flush(), by the environment's paging_changed). Writing is direct only
 * while nobody watches the page. When a watch begins anywhere, all entries lose the right to write
 * until a walk gives it back.
 *
 * A TLB that follows the tables (softtlb_follow(), "coherent") also forgets what was found through
 * an entry of the guest's tables as soon as that is written: the tables of its entries are watched
 * (GPMEM_WATCH_WALK).
 */
#pragma once

#include "emu/mem/gpmem_device.h"

#define SOFTTLB_ENTRIES 64u
/* In entry.page, beside the address of a page: the entry serves the access that it was made for,
 * and no look-up finds it. So the next use of the page walks the tables again, and can be told of.
 */
#define SOFTTLB_ONCE 1u

struct softtlb_entry {
	gla_t page;
	u32 rights; /* BIT(ACCESS_*): one for each way of access that was allowed, at host */
	u32 slow;   /* the same, allowed through gpmem_read() and gpmem_write() only: devices, ROM,
		       watched pages, and those with data breakpoints */
	u32 calls;  /* the same, of a device: each access is a call of its, and nothing else */
	gpa_t gpa;
	bool user; /* the guest's tables let CPL 3 in */
	bool desc; /* when writing was last found to be slow, it was for GPMEM_WATCH_DESC alone */
	u8 *host;  /* of the page's first byte; NULL: not memory */
	struct gpmem_device device;
};

_Static_assert(sizeof(struct softtlb_entry) == 64, "found by a shift (recomp_stubs.c)");

/* The entries of the guest's tables that led to a page: so many levels. */
struct softtlb_path {
	gpa_t at[2];
	u32 levels;
	u32 size; /* of each: 4 or 8 bytes */
};

struct softtlb {
	struct softtlb_entry entry[SOFTTLB_ENTRIES];
	u64 filled;  /* bit per entry: may have rights */
	u32 watches; /* gpmem's count of watches begun when the rights to write were given */
	bool follows;
	struct softtlb_path path[SOFTTLB_ENTRIES]; /* of each entry, if it follows */
};
