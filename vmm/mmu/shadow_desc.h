/* SPDX-License-Identifier: MIT */
/*
 * Shadow descriptor tables: the 64 KiB GDT and LDT that the real CPU uses while this guest's code
 * runs, mirroring the guest's tables at the same indices. Code and data descriptors: DPL 0 becomes
 * 1, accessed bit pre-set, L cleared, limit cut nowhere (4 GiB is all the guest's); not present
 * ones stay so. Conforming code keeps its DPL: it runs at its caller's level. System descriptors
 * and gates: absent, so that their use traps. Present ones of DPL 1 and 2 are absent too and
 * counted (raw ring 1 is refused while there are any).
 *
 * Where the pages of a guest table lie is looked up when the table, or the mapping of one of its
 * pages, changes as the processor's TLB would notice: LGDT, LLDT, INVLPG, CR3 and the like. The
 * pages get GPMEM_WATCH_DESC; a write to them only notes which bytes. Both are made good lazily,
 * before raw entry: what was written, and what moved, is mirrored again, and nothing else. A page
 * that is part of no table any more is unwatched at the next write to it. So is each page once
 * nobody has synchronised for SHADOW_DESC_PATIENCE writes: what is not run raw needs no mirror, and
 * a table of 64 KiB may have a program's data behind its last entry. All of them are mirrored anew
 * at the next synchronisation.
 */
#pragma once

#include "emu/cpu/semantics.h"
#include "emu/mem/gpmem.h"

#define DESC_ENTRIES 8192u
#define DESC_PAGES   17u /* that 64 KiB touch */

struct shadow_desc_table {
	u64 *entry; /* 8192 */
	u32 max;    /* of them, the guest's: the monitor's last ones of the GDT are not touched */
	u32 base;   /* what is mirrored now */
	u32 bytes;  /* of whole entries; 0 with an empty table */
	u32 dpl1;   /* entries that have DPL 1 here */
	bool unmapped;		      /* its pages have to be looked up again */
	u32 written_from, written_to; /* bytes since the last synchronisation; empty: from >= to */
	gpa_t page[DESC_PAGES];	      /* where its pages lay then; NO_GPA: nowhere */
	/* If it follows page tables: their entries that led there. */
	gpa_t through[DESC_PAGES][2];
	u32 ring12[DESC_ENTRIES / 32]; /* entries of DPL 1 or 2 */
};

struct shadow_desc {
	struct cpu *cpu;
	struct shadow_desc_table gdt, ldt;
	bool dirty;
	bool follows; /* page tables: shadow_desc_follow() */
	u32 ring12;   /* entries of DPL 1 or 2 in both */
	u32 unread;   /* writes since the last synchronisation */
	u64 syncs, entries_read, entries_written, watch_writes;
};

/* gdt, ldt: 64 KiB, zeroed, page-aligned, owned by the caller. Registers the GPMEM_WATCH_DESC
 * watcher. */
void shadow_desc_init(struct shadow_desc *d, struct cpu *cpu, u64 *gdt, u64 *ldt);
void shadow_desc_destroy(struct shadow_desc *d);

/* GDTR or LDTR changed, or the mapping under them: look again at the next sync. */
void shadow_desc_invalidate(struct shadow_desc *d);
/* The mapping of one page. */
void shadow_desc_invalidate_page(struct shadow_desc *d, gla_t gla);

/* From now on a write to a page table through which a page was found is such a change, too: the
 * TLB is coherent. */
void shadow_desc_follow(struct shadow_desc *d);

/* A switch of threads writes a few entries, mostly 3 to 10. */
#define SHADOW_DESC_PATIENCE 64u

/* Entries of one synchronisation in the monitor: 0.2 million instructions at most. */
#define SHADOW_DESC_ROOM 256u
/*
 * Brings both tables up to date, as far as the room reaches: so many entries at most, four that are
 * what they were counted as one. The tables stay dirty while some are left. Returns true if a live
 * entry changed (loaded selectors may need a reload).
 */
bool shadow_desc_sync(struct shadow_desc *d, u32 room);

/* The shadow of one descriptor; 0 (absent) if it must trap. Pure. */
u64 shadow_desc_convert(u64 guest);

/* True if loading this guest selector natively would give exactly the hidden part that seg holds:
 * not stale. Pure on the tables. */
bool shadow_desc_matches(const struct shadow_desc *d, const struct cpu_segment *seg);

/* Invariant of docs/isolation.md: no L=1 code, no gate usable from rings 1..3 below the monitor's
 * entries. Used by tests and ASSERTs. */
bool shadow_desc_safe(const u64 *table, unsigned entries);

/* The hidden part that loading sel through the shadow tables gives, as the guest sees it (DPL 1
 * back to 0). Unusable if absent. */
void shadow_desc_lookup(const struct shadow_desc *d, u16 sel, struct cpu_segment *out);
