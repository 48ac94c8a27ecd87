/* SPDX-License-Identifier: MIT */
/*
 * The contents of guest-physical RAM in a stream, a piece at a time:
 *
 *      section "ram": address u64, pages u32, their bytes     1 to GPMEM_STATE_RUN pages in a row
 *
 * in ascending order. Pages that hold nothing but zeros are left out. The sections of one RAM are
 * followed by one of another name.
 */
#pragma once

#include "emu/mem/gpmem.h"
#include "emu/snap/lz.h"
#include "emu/snap/snap.h"

#define GPMEM_STATE_RUN 15u

/* How far the work is. All zero at first. */
struct gpmem_cursor {
	gpa_t at;  /* what lies before is done */
	bool open; /* loading: a section is open, of that many pages from run on */
	gpa_t run;
	u32 pages;
};

/* Looks at budget pages at most, give or take a section. False: all are saved, or the stream has
 * failed. */
bool gpmem_save_pages(struct gpmem *m, struct snap *s, struct gpmem_cursor *c, u32 budget);

/* Room to work in. */
struct gpmem_packer {
	struct lz lz;
	u8 in[GPMEM_STATE_RUN * PAGE_SIZE];
	u8 out[GPMEM_STATE_RUN * PAGE_SIZE * 129 / 128 + 1];
};

/* As gpmem_save_pages(), for a stream that nobody loads into a machine: section "packed" has the
 * pages as lz_pack() makes them. RAM out of the processor's reach is left out. */
bool gpmem_pack_pages(struct gpmem *m, struct snap *s, struct gpmem_packer *p,
		      struct gpmem_cursor *c, u32 budget);

/*
 * The same for loading. What the stream passes over becomes zero; watchers are told. Each section
 * must lie in RAM, behind the one before. False: the stream's sections are loaded and the rest of
 * RAM is zero; or the stream has failed, and what RAM holds is of no use.
 */
bool gpmem_load_pages(struct gpmem *m, struct snap *s, struct gpmem_cursor *c, u32 budget);

/* As gpmem_load_pages(), but RAM stays as it is: can it be loaded from this stream? */
bool gpmem_check_pages(struct gpmem *m, struct snap *s, struct gpmem_cursor *c, u32 budget);
